"""What is installed is what was locked, and the claims of the threat note have their tests."""

import ast
import re
import subprocess
from pathlib import Path

import audit
import pytest
from scaffold import BIN, REPOSITORY

THREATS = REPOSITORY / "docs/explanation/threats.md"


@pytest.mark.parametrize("lock", audit.locks(), ids=lambda lock: str(lock.relative_to(REPOSITORY)))
def test_every_locked_version_has_hashes(lock: Path) -> None:
    text = re.sub(r"^<%.*%>\n", "", lock.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for each in re.split(r"\n(?=[a-z0-9])", text, flags=re.IGNORECASE):
        if re.match(r"[a-z0-9]", each, re.IGNORECASE):
            assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", each), each.splitlines()[0]


def test_zizmor_finds_nothing_in_our_workflows() -> None:
    command = [BIN / "zizmor", "--offline", "--persona", "pedantic", REPOSITORY / ".github"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_test_that_the_threat_note_names_is_there() -> None:
    named = re.findall(r"`((?:packages|tests)/[\w/-]+\.py)::(\w+)`", THREATS.read_text(encoding="utf-8"))
    assert len(named) > 40
    for path, name in named:
        tree = ast.parse((REPOSITORY / path).read_text(encoding="utf-8"))
        assert name in {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}, (
            f"{path}::{name}"
        )
