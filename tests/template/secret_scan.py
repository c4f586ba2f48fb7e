"""Finds what looks like a secret: by its shape, its name, or because nobody can read it."""

import re
from collections.abc import Iterator

# As their makers write them, so that scanners find them.
SHAPES = {
    "private key": r"-----BEGIN [A-Z ]*PRIVATE KEY",
    "AWS access key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "Databricks token": r"\b(?:dapi|dose)[0-9a-f]{32}\b",
    "GitHub token": r"\b(?:gh[oprsu]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{22,})",
    "GitLab token": r"\bgl(?:pat|dt|rt|cbt)-[A-Za-z0-9_-]{20}",
    "Slack token": r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}|hooks\.slack\.com/services/T",
    "JSON web token": r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.",
    "password in an address": r"://[^\s/:@'\"$<{]*:[^\s/:@'\"$<{]+@",
    "account of AWS": r"(?<![\w.-])(?!123456789012)[0-9]{12}(?![\w-]|\.[0-9])",
}
NAMES = r"(?:passw(?:or)?d|secret|token|(?:api|access|private|secret|fernet|jwt)[_-]?key|credentials?)"
GIVEN = [
    # NAME = "value", "name": "value"
    rf"{NAMES}[\"']?\s*[:=]\s*([\"'])(?P<value>[^\s\"'$<{{]{{6,}})\1",
    # name: value, NAME=value, up to the end of the line
    rf"{NAMES}(?:=|:[ ]+)(?P<value>[^\s\"'$<{{(\[]{{6,}})$",
]
# What stands where a made secret has to.
HARMLESS = r"test\w*|example\S*|(?:none|null|true|false|str|string)\b.*"
# Paths, hashes of packages, digests of images and commits of actions are public.
RANDOM = {
    "random text": r"(?<![\w+/-])(?!/)(?=[\w+/-]*[a-z])(?=[\w+/-]*[A-Z])(?=[\w+/-]*\d)[\w+/-]{32,}={0,2}",
    "random bytes": r"(?<![\w:@])[0-9a-f]{32,}(?!\w)",
}


def secrets(text: str) -> Iterator[str]:
    """Yield a line for each thing in a text that looks like a secret: its kind, and where it is."""
    for number, line in enumerate(text.splitlines(), start=1):
        for kind in _kinds(line):
            yield f"{kind} in line {number}: {line.strip()}"


def _kinds(line: str) -> Iterator[str]:
    for kind, shape in {**SHAPES, **RANDOM}.items():
        if re.search(shape, line):
            yield kind
    for pattern in GIVEN:
        found = re.search(pattern, line, re.IGNORECASE)
        if found and not re.fullmatch(HARMLESS, found["value"], re.IGNORECASE):
            yield "value of a secret"
