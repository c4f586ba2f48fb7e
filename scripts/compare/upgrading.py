"""The rows about upgrades: the merge, its conflicts, and the way back."""

# Each scenario is given the tool and a machine, whether it needs them or not.

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from compare.cutting import mini
from compare.findings import NO, NOT_APPLICABLE, YES, Finding, partly, row, yes_or_no
from compare.machine import Machine, commit_all, expect, git, read_tree, reset, write_tree
from compare.mini import NEWER, Mini
from compare.tools import Cutter

TABLE = "upgrading"
_JOB = "src/jobs/job_03.py"


def _project(tool: Cutter, machine: Machine, edit: Callable[[Path], object] = lambda _: None) -> Path:
    """Cut a project of v1.0.0, edit it and commit that."""
    project = tool.project(machine, mini(tool, machine))
    edit(project)
    commit_all(project, "edits")
    return project


def _release(tool: Cutter, machine: Machine, what: Mini = NEWER, tag: str = "v2.0.0") -> None:
    what.written(tool.dialect, machine.place / "template", tag)


def _replaced(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    expect(old in text, f"{old!r} is not in {path}")
    path.write_text(text.replace(old, new), encoding="utf-8")


def _files(project: Path, ending: str) -> list[Path]:
    return [path for path in project.rglob(f"*{ending}") if ".git" not in path.parts]


def _at(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


@row(
    "upgrade",
    TABLE,
    "A project is brought to a newer template",
    "v2.0.0 changes a line of `Makefile`; the project has changed a line of the same file elsewhere.",
)
def upgrade(tool: Cutter, machine: Machine) -> Finding:
    if not tool.updates:
        said = machine.run(tool.program, *(["bundle"] if tool.name == "databricks" else []), "--help").said
        expect(not any(line.split()[:1] == ["update"] for line in said.splitlines()))
        return NO
    project = _project(tool, machine, lambda p: _replaced(p / "Makefile", "ruff check", "ruff check src"))
    _release(tool, machine)
    tool.update(machine, project)
    text = _at(project / "Makefile")
    return yes_or_no("SQUAD ?= data" in text and "ruff check src" in text)


def _upgrades(find: Callable[[Cutter, Machine], Finding]) -> Callable[[Cutter, Machine], Finding]:
    """Have a row apply only to tools that upgrade."""
    return lambda tool, machine: find(tool, machine) if tool.updates else NOT_APPLICABLE


@row(
    "first-commit-edited",
    TABLE,
    "Both sides' lines merge when the project's first commit holds edits already",
    "As above, but the project's history begins after its edit: no commit holds what the template gave.",
)
@_upgrades
def first_commit_edited(tool: Cutter, machine: Machine) -> Finding:
    project = tool.project(machine, mini(tool, machine))
    shutil.rmtree(project / ".git")
    _replaced(project / "docs/notes.md", "Second.", "Second, of ours.")
    commit_all(project, "edited")
    _release(tool, machine, Mini().edited("docs/notes.md", "Third.", "Third, of the template."))
    tool.update(machine, project)
    text = _at(project / "docs/notes.md")
    if "Second, of ours." in text and "Third, of the template." in text and "<<<<" not in text:
        return YES
    return Finding(
        "no", "The change is left in a `.rej` file." if _files(project, ".rej") else "It conflicts."
    )


@row(
    "rename",
    TABLE,
    "A file that the template renames takes the project's edit along",
    f"v2.0.0 renames `{_JOB}`; the project has changed a line of it.",
)
@_upgrades
def rename(tool: Cutter, machine: Machine) -> Finding:
    project = _project(tool, machine, lambda p: _replaced(p / _JOB, "LIMIT = 3", "LIMIT = 300"))
    _release(tool, machine, Mini().renamed(_JOB, "src/jobs/third.py"))
    tool.update(machine, project)
    if "LIMIT = 300" in _at(project / "src/jobs/third.py"):
        return yes_or_no(not (project / _JOB).exists())
    if (project / _JOB).exists() and (project / "src/jobs/third.py").exists():
        return Finding("no", "Both names are there, the edit in the old one.")
    return Finding(
        "no",
        "The edit is in a `.rej` file."
        if _files(project, ".rej")
        else "The edit is left in git's history only.",
    )


@row(
    "deletion",
    TABLE,
    "A file that the project deleted stays deleted, and the rest of the upgrade happens",
    "The project has deleted `docs/notes.md`; v2.0.0 changes that file and `Makefile`.",
)
@_upgrades
def deletion(tool: Cutter, machine: Machine) -> Finding:
    project = _project(tool, machine, lambda p: (p / "docs/notes.md").unlink())
    _release(tool, machine, NEWER.edited("docs/notes.md", "Third.", "Newer."))
    done = tool.update(machine, project)
    if (project / "docs/notes.md").exists() or "SQUAD ?= data" not in _at(project / "Makefile"):
        return NO
    if _files(project, ".rej"):
        return partly("A `.rej` file beside it.")
    return Finding("yes", "Reported as a conflict, with exit code 1." if done.code else "")


@row(
    "conflict",
    TABLE,
    "How a conflict is shown",
    "The project and v2.0.0 change the same line of `Makefile`.",
)
@_upgrades
def conflict(tool: Cutter, machine: Machine) -> Finding:
    project, done = _conflict(tool, machine)
    shown = []
    if "<<<<<<<" in _at(project / "Makefile"):
        shown.append("markers")
    if git(project, "ls-files", "--unmerged"):
        shown.append("unmerged in git's index")
    if _files(project, ".rej"):
        shown.append("`.rej` file")
    return Finding(", ".join([*shown, f"exit code {done.code}"]))


def _conflict(tool: Cutter, machine: Machine) -> tuple[Path, object]:
    project = _project(tool, machine, lambda p: _replaced(p / "Makefile", "SQUAD := data", "SQUAD := ours"))
    newer = Mini().edited("Makefile", "SQUAD := @squad@", "SQUAD := theirs")
    _release(tool, machine, replace(newer, files={**newer.files, "added.txt": "new\n"}))
    return project, tool.update(machine, project)


@row(
    "abort",
    TABLE,
    "An upgrade with conflicts can be taken back to the byte",
    "After the conflict above: the tool's own command where it has one, else `git reset --hard` "
    "and `git clean -fd`.",
)
@_upgrades
def abort(tool: Cutter, machine: Machine) -> Finding:
    project, _ = _conflict(tool, machine)
    if tool.name == "mshell-cut":
        machine.run(tool.program, "update", "--abort", cwd=project)
    else:
        reset(project)
    back = git(project, "status", "--porcelain", "--ignored") == "" and "SQUAD := ours" in _at(
        project / "Makefile"
    )
    if tool.name != "mshell-cut":
        return partly("By git, it has no command.") if back else NO
    return yes_or_no(back)


@row(
    "uncommitted",
    TABLE,
    "Files that are not committed are safe: the upgrade is refused",
    "The project holds a change of `Makefile` that is not committed; v2.0.0 changes another line of it.",
)
@_upgrades
def uncommitted(tool: Cutter, machine: Machine) -> Finding:
    project = _project(tool, machine)
    _replaced(project / "Makefile", "ruff check", "ruff check src")
    before = read_tree(project)
    _release(tool, machine)
    done = tool.update(machine, project)
    if read_tree(project) != before:
        return NO
    return Finding("yes", "" if done.code else "With exit code 0.")


@row(
    "monorepo",
    TABLE,
    "Uncommitted files of another folder in the same repository do not stop the upgrade",
    "Two projects lie in one repository; one is upgraded while a file of the other is not committed.",
)
@_upgrades
def monorepo(tool: Cutter, machine: Machine) -> Finding:
    template = mini(tool, machine)
    whole = machine.place / "out"
    project = tool.project(machine, template)
    shutil.rmtree(project / ".git")
    write_tree(whole, {"elsewhere/notes.txt": "notes\n"})
    commit_all(whole, "all")
    write_tree(whole, {"elsewhere/notes.txt": "more notes\n"})
    _release(tool, machine)
    tool.update(machine, project)
    return yes_or_no("SQUAD ?= data" in _at(project / "Makefile"))


@row(
    "answers-changed",
    TABLE,
    "Two answers are changed at once: docker becomes dab",
    "The update is given `kind=dab` and `principal=p1`: `Dockerfile` goes, `bundle.yaml` comes "
    "with the principal.",
)
@_upgrades
def answers_changed(tool: Cutter, machine: Machine) -> Finding:
    project = _project(tool, machine)
    tool.update(machine, project, kind="dab", principal="p1")
    came = "principal: p1" in _at(project / "bundle.yaml")
    return yes_or_no(came and not (project / "Dockerfile").exists())


@row(
    "nothing-new",
    TABLE,
    "A release that changes nothing in the project does not make it out of date",
    "v1.1.0 changes a file that no project gets; then the tool's command that tells whether a "
    "project is current.",
)
@_upgrades
def nothing_new(tool: Cutter, machine: Machine) -> Finding:
    project = _project(tool, machine)
    _release(
        tool, machine, replace(Mini(), outside={"TOOL.md": "Of the template's own repository.\n"}), "v1.1.0"
    )
    command = ["check-update", "--exit-code"] if tool.name == "copier" else ["check"]
    done = machine.run(tool.program, *command, cwd=project)
    return yes_or_no(done.code == 0)


@row(
    "follows-releases",
    TABLE,
    "An upgrade takes the newest tagged release, not what lies on the branch since",
    "A commit after v2.0.0 changes `Makefile` once more.",
)
@_upgrades
def follows_releases(tool: Cutter, machine: Machine) -> Finding:
    project = _project(tool, machine)
    _release(tool, machine)
    NEWER.edited("Makefile", "SQUAD ?= ", "SQUAD ::= ").written(
        tool.dialect, machine.place / "template", tag=None
    )
    tool.update(machine, project)
    return yes_or_no("SQUAD ?= data" in _at(project / "Makefile"))


@row(
    "upgrade-shown",
    TABLE,
    "An upgrade can be shown without writing, with the files that it would change",
    "v2.0.0 changes `Makefile`; the tool's option that shows and writes nothing.",
)
@_upgrades
def upgrade_shown(tool: Cutter, machine: Machine) -> Finding:
    project = _project(tool, machine)
    _release(tool, machine)
    if tool.dry is None:
        return partly("`cruft update` shows the changes when asked, before it asks whether to apply them.")
    before = read_tree(project)
    done = machine.run(*tool.update_words({}), tool.dry, cwd=project)
    if read_tree(project) != before or done.code:
        return NO
    names = [line for line in done.said.splitlines() if "Makefile" in line]
    others = [line for line in done.said.splitlines() if "job_03.py" in line]
    if names and not others:
        return YES
    return partly("It names all files of the template." if others else "It names the release, not the files.")


@row(
    "migrations",
    TABLE,
    "The template runs programs of its own before or after an upgrade to a release",
    "v2.0.0 names a migration that writes a file.",
)
@_upgrades
def migrations(tool: Cutter, machine: Machine) -> Finding:
    project = _project(tool, machine)
    steps = [{"version": "v2.0.0", "command": "echo done > migrated.txt"}]
    moved = [{"release": "v2.0.0", "move": {"docs": "pages"}}]
    what = replace(
        Mini().renamed("docs/notes.md", "pages/notes.md"),
        private={"copier": {"_migrations": steps}, "cookiecutter": {"_migrations": moved}},
    )
    write_tree(project, {"docs/own.md": "Of the project.\n"})
    commit_all(project, "own")
    _release(tool, machine, what)
    tool.update(machine, project)
    if (project / "migrated.txt").exists():
        return YES
    if (project / "pages/own.md").exists():
        return partly(
            "Renamed answers, changed choices and moved folders are data in the template; no program is run."
        )
    return NO


@row(
    "many",
    TABLE,
    "Many projects are checked by one command",
    "Three projects, one of which is behind.",
)
@_upgrades
def many(tool: Cutter, machine: Machine) -> Finding:
    if tool.name != "mshell-cut":
        said = machine.run(tool.program, "--help").said
        expect("fleet" not in said)
        return Finding("no", "In a loop of the shell.")
    template = mini(tool, machine)
    _release(tool, machine)
    for number in range(3):
        tool.project(machine, template, f"many-{number}")
    _replaced(
        machine.place / "many-0/orders/.cruft.json",
        git(template, "rev-parse", "v2.0.0"),
        git(template, "rev-parse", "v1.0.0"),
    )
    commit_all(machine.place / "many-0/orders", "behind")
    folders = [machine.place / f"many-{number}" / "orders" for number in range(3)]
    done = machine.run(tool.program, "fleet", "check", "--json", "--from", *folders)
    states = [found["status"] for found in json.loads(done.said[done.said.index("{") :])["projects"]]
    return yes_or_no(sorted(states) == ["behind", "current", "current"])


@row(
    "adopt",
    TABLE,
    "A project that lost its link, or never had one, is linked to its template again",
    "The file that links a project of v1.0.0 is deleted and v2.0.0 is there; then the tool's "
    "command. The link has to "
    "name the answers and the release that the project was cut from.",
)
@_upgrades
def adopt(tool: Cutter, machine: Machine) -> Finding:
    expect(tool.link is not None)
    template = mini(tool, machine)
    project = tool.project(machine, template, squad="checkout")
    _release(tool, machine)
    (project / tool.link).unlink()
    commit_all(project, "unlinked")
    if tool.name == "copier":
        return Finding("no", "By hand: it has no command, its file of answers can be written.")
    if tool.name == "cruft":
        machine.run(tool.program, "link", template, "--no-input", "--default-config", cwd=project)
        linked = _at(project / tool.link)
        found = '"checkout"' in linked and git(template, "rev-parse", "v1.0.0") in linked
        given = partly("`cruft link` takes the answers and the commit from who runs it.")
        return YES if found else given if linked else NO
    machine.run(tool.program, "adopt", "--template", template, "--yes", cwd=project)
    linked = _at(project / tool.link)
    return yes_or_no('"squad": "checkout"' in linked and git(template, "rev-parse", "v1.0.0") in linked)
