"""The rows about cutting: answers, and what is left when it fails."""

# Each scenario is given the tool and a machine, whether it needs them or not.

import contextlib
import os
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path

import pexpect

from compare.findings import NO, NOT_APPLICABLE, YES, Finding, partly, row, yes_or_no
from compare.machine import Machine, commit_all, expect, hidden, read_tree
from compare.mini import PRINCIPAL, REFUSAL, Mini
from compare.tools import Cutter, emptied

TABLE = "cutting"


def mini(tool: Cutter, machine: Machine, what: Mini | None = None) -> Path:
    """Write the mini template in a tool's dialect."""
    return (what or Mini()).written(tool.dialect, machine.place / "template")


@row(
    "answers-file",
    TABLE,
    "Answers from a file, without a prompt",
    "The mini template is cut with a file that answers two of its four questions.",
)
def answers_file(tool: Cutter, machine: Machine) -> Finding:
    out = emptied(machine.place / "out")
    words = tool.file_words(
        mini(tool, machine), out, {"repo_name": "sales", "squad": "checkout"}, machine.place
    )
    machine.run(*words, env=tool.variables)
    readme = out / "sales" / "README.md"
    holds = readme.exists() and "Kept by checkout, deployed as docker." in readme.read_text(encoding="utf-8")
    as_settings = tool.name in ("cookiecutter", "cruft")
    return yes_or_no(holds, "As `default_context` of a settings file." if as_settings else "")


@row(
    "unknown-answer",
    TABLE,
    "An answer to a question that is not there is refused",
    "The mini template is cut with an answer to `repo_nmae`.",
)
def unknown_answer(tool: Cutter, machine: Machine) -> Finding:
    done = tool.cut(machine, mini(tool, machine), repo_nmae="sales")
    return yes_or_no(done.code != 0 and "repo_nmae" in done.said)


@row(
    "one-sentence",
    TABLE,
    "A bad answer is refused in the template's own words: on the command line, in a file, on an upgrade",
    f"The template says that a name {REFUSAL}: in its rules, its validator or pattern, for "
    "cookiecutter and cruft "
    "in a hook before the cut. It is cut with a bad name twice, and a project is given a bad name "
    "by an update.",
)
def one_sentence(tool: Cutter, machine: Machine) -> Finding:
    template, out = mini(tool, machine, Mini(validated=True)), machine.place / "out"
    refused = [tool.cut(machine, template, repo_name="Bad Name")]
    words = tool.file_words(template, emptied(out), {"repo_name": "Bad Name"}, machine.place)
    refused.append(machine.run(*words, env=tool.variables))
    left = any(out.iterdir())
    if tool.updates:
        project = tool.project(machine, template, "good")
        refused.append(tool.update(machine, project, repo_name="Bad Name"))
    held = [done.code != 0 and REFUSAL in done.said for done in refused]
    if left:
        return partly("A part of the project is left.")
    if not tool.updates and all(held):
        return Finding("yes", "It has no upgrade.")
    return YES if all(held) else partly(f"In {sum(held)} of {len(held)}.") if any(held) else NO


@row(
    "conditional-question",
    TABLE,
    "A question that does not apply is not asked",
    "The mini template is cut at a terminal, Enter at each prompt. Its last question is for `dab` "
    "only, and the "
    "default is `docker`.",
)
def conditional_question(tool: Cutter, machine: Machine) -> Finding:
    words = tool.ask_words(mini(tool, machine), emptied(machine.place / "out"))
    said = _asked(machine, [str(word) for word in words], tool.variables)
    if "squad" not in said:
        raise RuntimeError(f"{tool.name} asked nothing: {said}")
    return yes_or_no(PRINCIPAL not in said)


def _asked(machine: Machine, words: list[str], variables: dict[str, str]) -> str:
    environment = machine.variables | variables | {"TERM": "xterm"}
    child = pexpect.spawn(
        words[0], words[1:], env=environment, cwd=str(machine.place), encoding="utf-8", dimensions=(50, 200)
    )
    said = ""
    for _ in range(12):
        # A prompt is what nothing follows for a while.
        while child.expect([r".+", pexpect.TIMEOUT, pexpect.EOF], timeout=2) == 0:
            said += child.after
            if "\x1b[6n" in child.after:
                child.send("\x1b[1;1R")
        if child.after is pexpect.EOF:
            break
        child.send("\r")
    child.close(force=True)
    return said


@row(
    "dry-run",
    TABLE,
    "A cut can be shown without writing",
    "The option that shows and writes nothing, where the tool's help names one, on the mini template.",
)
def dry_run(tool: Cutter, machine: Machine) -> Finding:
    if tool.dry is None:
        return NO
    out = emptied(machine.place / "out")
    words = [*tool.cut_words(mini(tool, machine), out, {}, machine.place), tool.dry]
    done = machine.run(*words, env=tool.variables)
    return yes_or_no("job_07.py" in done.said and not any(out.iterdir()))


_FAILING = "import sys\n\nsys.exit('this hook fails')\n"


@row(
    "failed-hook",
    TABLE,
    "Nothing is left after a hook of the template that fails",
    "The mini template with a hook (a task of copier's) that exits with 1 after the cut.",
)
def failed_hook(tool: Cutter, machine: Machine) -> Finding:
    if tool.dialect == "databricks":
        return Finding("n/a", "Its templates have no hooks.")
    what = Mini(
        hooks={"post_gen_project.py": _FAILING},
        private={"copier": {"_tasks": ["echo this hook fails; false"]}},
    )
    done = tool.cut(machine, mini(tool, machine, what))
    expect(done.code, done.said)
    return yes_or_no(not any((machine.place / "out").iterdir()))


_BROKEN = {
    "cookiecutter": "{% if %}",
    "copier": "{% if %}",
    "databricks": "{{if}}",
}


@row(
    "broken-template",
    TABLE,
    "Nothing is left after a template whose last file does not parse",
    "The mini template with one more file that holds an `if` without a condition.",
)
def broken_template(tool: Cutter, machine: Machine) -> Finding:
    done = tool.cut(machine, mini(tool, machine, Mini(last=_BROKEN)))
    expect(done.code, done.said)
    return yes_or_no(not any((machine.place / "out").iterdir()))


_KILLS = 8
_SETTLE_S = 10


@row(
    "killed",
    TABLE,
    "Nothing, or all of it, is left after `kill -9`",
    f"The mini template with 300 more files is cut {_KILLS} times and killed at moments spread over the "
    f"time of a whole cut; within {_SETTLE_S} seconds nothing, or what a whole cut gives, has to be there.",
)
def killed(tool: Cutter, machine: Machine) -> Finding:
    more = {f"data/{number:04}.txt": f"{number} of @repo_name@\n" for number in range(300)}
    template = mini(tool, machine, replace(Mini(), files={**Mini().files, **more}))
    whole = read_tree(tool.project(machine, template, "whole"))
    begun = time.monotonic()
    tool.cut(machine, template, "again")
    took = time.monotonic() - begun
    parts = 0
    for number in range(_KILLS):
        out = emptied(machine.place / f"out-{number}")
        process = machine.start(tool.cut_words(template, out, {}, machine.place), tool.variables)
        time.sleep(took * (number + 1) / (_KILLS + 1))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        parts += not _settled(out, {f"orders/{name}" for name in whole})
    return Finding("no", f"A part was left in {parts} of {_KILLS}.") if parts else YES


def _settled(out: Path, whole: set[str]) -> bool:
    """Wait until a folder holds nothing or the whole project; return whether it came to that."""
    for _ in range(_SETTLE_S * 10):
        # What is being cleaned up may go while it is read.
        with contextlib.suppress(FileNotFoundError):
            if set(read_tree(out)) in (set(), whole):
                return True
        time.sleep(0.1)
    return False


@row(
    "offline",
    TABLE,
    "A second cut from a git address that cannot be reached any more",
    "The mini template is cut from a `file://` address, the repository is moved away, and it is cut again.",
)
def offline(tool: Cutter, machine: Machine) -> Finding:
    template = mini(tool, machine)
    address = f"{'git+' if tool.name in ('cookiecutter', 'copier') else ''}file://{template}"
    first = tool.cut(machine, address, "first")
    if first.code:
        return NOT_APPLICABLE
    with hidden(template):
        # A cut by the address deletes the copy before it clones, so the copy's name comes first.
        kept = tool.name == "cookiecutter" and tool.cut(machine, template.name, "kept").code == 0
        if tool.cut(machine, address, "again").code == 0:
            return YES
    return partly("By the name of its copy in `~/.cookiecutters`, not by the address.") if kept else NO


@row(
    "other-sources",
    TABLE,
    "A template from a zip archive",
    "The mini template as a zip archive on this machine.",
)
def other_sources(tool: Cutter, machine: Machine) -> Finding:
    template = mini(tool, machine)
    archive = shutil.make_archive(str(machine.place / "zipped"), "zip", template.parent, template.name)
    return yes_or_no(tool.cut(machine, archive).code == 0)


@row(
    "computed-default",
    TABLE,
    "A default made of an earlier answer",
    "The default of `squad` is the name and `-team`.",
)
def computed_default(tool: Cutter, machine: Machine) -> Finding:
    squad = {"type": "str", "default": "{{ repo_name }}-team"}
    go = {"type": "string", "default": "{{.repo_name}}-team", "description": "squad", "order": 2}
    what = Mini(
        private={
            "cookiecutter": {"squad": "{{ cookiecutter.repo_name }}-team"},
            "copier": {"squad": squad},
            "databricks": {"squad": go},
        }
    )
    project = tool.project(machine, mini(tool, machine, what), repo_name="sales")
    return yes_or_no("sales-team" in (project / "README.md").read_text(encoding="utf-8"))


@row(
    "several-choices",
    TABLE,
    "A question with several of the choices as its answer",
    "The command line answers a question of the template with two of three choices.",
)
def several_choices(tool: Cutter, machine: Machine) -> Finding:
    one_of = {"enum": ["a", "b", "c"]}
    several: dict[str, dict[str, object]] = {
        "cookiecutter": {"parts": ["a", "b", "c"]},
        "copier": {
            "parts": {"type": "str", "multiselect": True, "choices": ["a", "b", "c"], "default": ["a"]}
        },
        "databricks": {"parts": {"type": "array", "items": one_of, "description": "parts", "order": 5}},
    }
    last = {"copier": "{{ parts | join('+') }}\n"}
    done = tool.cut(machine, mini(tool, machine, Mini(private=several, last=last)), parts="[b, c]")
    found = machine.place / "out" / "orders" / "zz.txt"
    return yes_or_no(done.code == 0 and found.exists() and found.read_text(encoding="utf-8") == "b+c\n")


@row(
    "two-templates",
    TABLE,
    "Two templates in one project, each upgraded on its own",
    "A second template, with one file and a file of answers of its own, is cut into the project.",
)
def two_templates(tool: Cutter, machine: Machine) -> Finding:
    if not tool.updates:
        return NOT_APPLICABLE
    project = tool.project(machine, mini(tool, machine))
    second = machine.place / "second"
    what = Mini(files={"second.txt": "1\n"}, only={})
    what.written(tool.dialect, second)
    words = tool.cut_words(second, machine.place / "out", {}, machine.place)
    own: list[str | Path] = ["--answers-file", ".second.yml"] if tool.name == "copier" else []
    if machine.run(*words, *own, env=tool.variables).code:
        return Finding("no", f"A folder that is there is refused; a project has one `{tool.link}`.")
    commit_all(project, "second")
    replace(what, files={"second.txt": "2\n"}).written(tool.dialect, second, "v2.0.0")
    machine.run(*tool.update_words({}), *own, cwd=project, env=tool.variables)
    both = (project / "Makefile").exists() and (project / "second.txt").read_text(encoding="utf-8") == "2\n"
    return yes_or_no(both)
