"""How the programs are called.

An option that the real program does not know is refused, and so is a call of kubectl or helm that
does not say which cluster it means. The options were read from `--help` of kind 0.33, Docker 28,
kubectl 1.32, Helm 3.22 and version 1.45 of the AWS CLI.
"""

from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("kind", "docker", "kubectl", "helm", "aws")
# By subcommand; the options in capitals take a value.
OPTIONS = {
    "kind": {
        "get clusters": "",
        "get nodes": "NAME",
        "create cluster": "NAME CONFIG WAIT IMAGE KUBECONFIG retain",
        "delete cluster": "NAME KUBECONFIG",
        "export kubeconfig": "NAME KUBECONFIG internal",
        "load docker-image": "NAME NODES",
    },
    "docker": {
        "version": "FORMAT",
        "image ls": "FILTER FORMAT quiet no-trunc all",
        "build": "FILE LABEL TAG PLATFORM BUILD-ARG pull no-cache",
        "pull": "PLATFORM quiet",
        "push": "quiet",
        "login": "USERNAME password-stdin",
        "exec": "privileged interactive",
        "container inspect": "FORMAT",
        "start": "",
    },
    "kubectl": {
        "config get-contexts": "OUTPUT",
        "get": "SELECTOR FIELD-SELECTOR OUTPUT SORT-BY RAW ignore-not-found",
        "wait": "FOR TIMEOUT all",
        "diff": "FILENAME server-side",
        "apply": "FILENAME server-side",
        "create": "FILENAME DRY-RUN",
        "patch": "TYPE PATCH-FILE",
        "delete": "SELECTOR ignore-not-found",
        "describe": "",
        "logs": "SELECTOR TAIL CONTAINER MAX-LOG-REQUESTS all-containers prefix follow previous",
        "exec": "CONTAINER",
    },
    "helm": {
        "history": "MAX OUTPUT",
        "upgrade": "REPO VERSION VALUES SET SET-STRING DESCRIPTION TIMEOUT install wait",
        "template": "REPO VERSION VALUES SET SET-STRING KUBE-VERSION",
    },
    "aws": {
        "ecr get-login-password": "REGION",
        "ecr describe-images": "REGION REGISTRY-ID REPOSITORY-NAME IMAGE-IDS OUTPUT",
    },
}
MUTATING = {
    "kind": {"create cluster", "delete cluster", "export kubeconfig", "load docker-image"},
    "docker": {"build", "pull", "push", "login", "start"},
    "kubectl": {"apply", "create", "patch", "delete"},
    "helm": {"upgrade"},
    "aws": set[str](),
}
CONTEXT = {"kubectl": "--context", "helm": "--kube-context"}


class RefusedError(Exception):
    """There is no such subcommand or option, or no cluster is named."""


@dataclass(frozen=True)
class Call:
    """A call, read.

    Attributes:
        arguments: as they were given.
        verb: the subcommand.
        words: what is no option.
        options: their values, as often as they were given.
    """

    program: str
    arguments: tuple[str, ...]
    stdin: str
    project: Path
    context: str
    verb: str
    words: tuple[str, ...]
    options: dict[str, list[str]]

    def __str__(self) -> str:
        return " ".join((self.program, *self.arguments))

    @property
    def step(self) -> str:
        """Program and subcommand, with the kind of object where it is about one."""
        kind = self.words[0] if self.program == "kubectl" and self.words else ""
        return f"{self.program} {self.verb} {kind}".rstrip()

    @property
    def mutates(self) -> bool:
        """Whether it changes anything."""
        return self.verb in MUTATING[self.program]

    def one(self, option: str, default: str = "") -> str:
        """Give an option's last value."""
        return self.options.get(option, [default])[-1]


def read(program: str, arguments: tuple[str, ...], stdin: str, project: Path) -> Call:
    """Take a call apart.

    Raises:
        RefusedError: the real program has no such subcommand or option, or it is kubectl or helm
            and does not begin with its context and namespace.
    """
    context, remaining = "", list(arguments)
    if program in CONTEXT:
        if (arguments[:1], arguments[2:3]) != ((CONTEXT[program],), ("--namespace",)):
            raise RefusedError("names no context and namespace")
        context, remaining = arguments[1], remaining[4:]
    verb = next((verb for verb in OPTIONS[program] if begins(remaining, verb)), None)
    if verb is None:
        raise RefusedError("no such subcommand")
    known = {name.lower(): name.isupper() for name in OPTIONS[program][verb].split()}
    remaining = remaining[len(verb.split()) :]
    words: list[str] = []
    options: dict[str, list[str]] = {}
    while remaining:
        word = remaining.pop(0)
        # What comes behind is another program's.
        if word == "--" or (program == "docker" and verb == "exec" and words):
            words += remaining if word == "--" else [word, *remaining]
            break
        if not word.startswith("--"):
            words.append(word)
            continue
        name, equals, value = word.removeprefix("--").partition("=")
        if name not in known:
            raise RefusedError(f"unknown flag: {word}")
        if known[name] and not equals:
            value = remaining.pop(0)
        options.setdefault(name, []).append(value)
    return Call(program, arguments, stdin, project, context, verb, tuple(words), options)


def begins(arguments: list[str], verb: str) -> bool:
    """Tell whether the arguments begin with a subcommand's words."""
    words = verb.split()
    return arguments[: len(words)] == words
