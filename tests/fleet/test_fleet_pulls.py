"""Pull requests: the branch is really pushed; `gh` is a program that writes down what it was asked."""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from fleet.projects import Fleet, Run, results
from scaffold import BIN, change_template, git, write_tree

_GH = f"""#!{sys.executable}
import json, os, sys
from pathlib import Path
log = Path(os.environ["GH_LOG"])
asked = {{"arguments": sys.argv[1:], "input": sys.stdin.read(), "folder": os.getcwd()}}
with log.open("a") as file:
    file.write(json.dumps(asked) + "\\n")
state = Path(os.getcwd(), ".git", "pull")
if sys.argv[2] == "list":
    print(json.dumps([{{"url": state.read_text()}}] if state.exists() else []))
elif "refused" in os.getcwd():
    sys.exit("warning: x\\npull request create failed: no permission")
else:
    state.write_text("https://github.com/acme/" + Path(os.getcwd()).name + "/pull/1")
    print("Creating pull request\\n" + state.read_text())
"""


@pytest.fixture
def gh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_tree(tmp_path, {"bin/gh": _GH})
    (tmp_path / "bin/gh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("GH_LOG", str(tmp_path / "gh.jsonl"))
    return tmp_path / "gh.jsonl"


def asked(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def test_branches_are_pushed_and_pull_requests_opened_once(
    plain: Path, fleet: Fleet, mshell_cut: Run, gh: Path, tmp_path: Path
) -> None:
    folder = fleet("orders", "refused", "no-origin")
    for name in ("orders", "refused"):
        git(tmp_path, "clone", "--quiet", "--bare", str(folder / name), f"{name}.git")
        git(folder / name, "remote", "add", "origin", str(tmp_path / f"{name}.git"))
    change_template(plain, {"other.txt": "newer\n", "`x`\n<b>.txt": "new\n"})
    git(plain, "tag", "v1.0.0")
    words = ("fleet", "update", "--json", "--pull-requests", "--from", f"{folder}/*")

    done = mshell_cut(*words)
    found = results(done)
    assert done.returncode == 2
    branch = "mshell-cut/update-v1.0.0"
    assert found["orders"]["status"] == "updated"
    assert found["orders"]["pull_request"] == "https://github.com/acme/orders/pull/1"
    for name in ("orders", "refused"):
        assert git(tmp_path / f"{name}.git", "rev-parse", branch) == found[name]["commit"]
    assert found["refused"]["status"] == "failed"
    assert found["refused"]["message"].endswith("pull request create failed: no permission")
    assert found["no-origin"]["status"] == "failed"
    assert (
        "The branch is made, but there is no pull request: git push failed" in found["no-origin"]["message"]
    )
    created = next(
        one for one in asked(gh) if "create" in one["arguments"] and one["folder"].endswith("orders")
    )
    assert created["arguments"] == [
        "pr",
        "create",
        f"--head={branch}",
        f"--title=Update the template from {found['orders']['at']} to v1.0.0",
        "--body-file=-",
    ]
    assert "- v1.0.0 (" in created["input"]
    assert "- changed: `other.txt`" in created["input"]
    assert "- added: `` `x`\\n<b>.txt ``" in created["input"]

    gh.unlink()
    again = results(mshell_cut(*words))
    assert again["orders"]["status"] == "done already"
    assert again["orders"]["pull_request"] == "https://github.com/acme/orders/pull/1"
    assert not [one for one in asked(gh) if "create" in one["arguments"] and one["folder"].endswith("orders")]


def test_without_gh_nothing_begins(
    plain: Path, fleet: Fleet, mshell_cut: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fleet("orders")
    change_template(plain, {"other.txt": "newer\n"})
    (tmp_path / "only").mkdir()
    for program in ("git", "sh"):
        (tmp_path / "only" / program).symlink_to(str(shutil.which(program)))
    monkeypatch.setenv("PATH", f"{tmp_path / 'only'}{os.pathsep}{BIN}")
    done = mshell_cut("fleet", "update", "--pull-requests", "--from", f"{folder}/*")
    assert done.returncode == 2
    assert done.stderr.startswith("error: --pull-requests needs GitHub's command line")
    assert git(folder / "orders", "branch", "--format=%(refname:short)") == "main"
