"""Finds what looks like a secret: by its shape, by its name, or because nobody can read it."""

import re
from collections.abc import Iterator

NAMES = r"(?:passw(?:or)?d|secret|token|(?:api|access|private|secret|fernet|jwt)[_-]?key|credentials?)"
# By kind, what is searched for in a line. A group `value` is judged by HARMLESS, too.
PATTERNS = {
    # As their makers write them, so that scanners find them.
    "private key": [r"-----BEGIN [A-Z ]*PRIVATE KEY"],
    "AWS access key": [r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"],
    "Databricks token": [r"\b(?:dapi|dose)[0-9a-f]{32}\b"],
    "GitHub token": [r"\b(?:gh[oprsu]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{22,})"],
    "GitLab token": [r"\bgl(?:pat|dt|rt|cbt)-[A-Za-z0-9_-]{20}"],
    "Slack token": [r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}|hooks\.slack\.com/services/T"],
    "JSON web token": [r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\."],
    # All accounts but that of AWS's documentation.
    "account of AWS": [r"(?<![\w.-])(?!123456789012)[0-9]{12}(?![\w-]|\.[0-9])"],
    "password in an address": [r"://[^\s/:@'\"$<{]*:(?P<value>[^\s/:@'\"$<{]+)@"],
    "value of a secret": [
        # NAME = "value", "name": "value"
        rf"{NAMES}[\"']?\s*[:=]\s*([\"'])(?P<value>[^\s\"'$<{{]{{6,}})\1",
        # name: value, NAME=value, up to the end of the line
        rf"{NAMES}(?:=|:[ ]+)(?P<value>[^\s\"'$<{{(\[,]{{6,}}),?$",
    ],
    # Paths, public keys of hosts, hashes of packages, digests of images and commits of actions are public.
    "random text": [
        r"(?<![\w+/-])(?<!ssh-ed25519 )(?!/)"
        r"(?=[\w+/-]*[a-z])(?=[\w+/-]*[A-Z])(?=[\w+/-]*\d)[\w+/-]{32,}={0,2}"
    ],
    "random bytes": [r"(?<![\w:@])[0-9a-f]{32,}(?!\w)"],
}
# What stands where a made secret has to, a type, a name in Kubernetes, a variable that holds the value.
HARMLESS = re.compile(
    r"(?i:made|test|example)\S*|%s|none|null|true|false|string|str\b.*|boolean"
    r"|[a-z]+(?:-[a-z]+)+|(?:env:)?[A-Z]+(?:_[A-Z]+)*"
)


def secrets(text: str) -> Iterator[str]:
    """Yield a line for each thing in a text that looks like a secret: its kind, and where it is."""
    for number, line in enumerate(text.splitlines(), start=1):
        for kind, patterns in PATTERNS.items():
            if any(_is_found(pattern, line) for pattern in patterns):
                yield f"{kind} in line {number}: {line.strip()}"


def _is_found(pattern: str, line: str) -> bool:
    # Letters count as they are where a kind has a shape; names are written in any way.
    flags = re.IGNORECASE if pattern.startswith(NAMES) else 0
    found = (match.groupdict().get("value", "") for match in re.finditer(pattern, line, flags))
    return any(not HARMLESS.fullmatch(value) for value in found)
