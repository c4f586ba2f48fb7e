"""`make demo`, run as the program that it is: both kinds to their rows, and what a kill leaves."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from html.parser import HTMLParser
from pathlib import Path

import psutil
import pytest
from template.projects import BIN, MACHINE, ROOT
from waiting import until

pytestmark = pytest.mark.slow

MARK = "MSHELL_CUT_DEMO"
PATIENCE_S = 1200.0
POPULAR_TAGS = [
    {"tag": "apache-spark", "questions": 3, "views": 350},
    {"tag": "xml", "questions": 2, "views": 107},
    {"tag": "delta-lake", "questions": 1, "views": 250},
]


class Page(HTMLParser):
    """What a page holds: the ids of its steps, the cells of its tables, and all that it names elsewhere."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.steps: list[str] = []
        self.cells: dict[str, list[list[str]]] = {}
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.framed = ""
        self._table = ""
        self._in_cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "li" and found.get("id", "").startswith("step-"):
            self.steps.append(found["id"])
        if tag == "table":
            self._table = found["data-table"]
            self.cells[self._table] = []
        if tag == "tr":
            self.cells[self._table].append([])
        if tag in ("td", "th"):
            self.cells[self._table][-1].append("")
        self._in_cell = tag in ("td", "th")
        self.framed += found.get("srcdoc", "")
        self.links += [found["href"]] if tag == "a" else []
        self.loaded += [found[name] for name in ("src", "data", "poster", "srcset") if name in found]
        self.loaded += [found["href"]] if tag in ("link", "base", "image", "use") and "href" in found else []

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = False

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.cells[self._table][-1][-1] += data


@contextmanager
def demo(temporary: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Run the demo with a folder of its own for temporary files."""
    temporary.mkdir(exist_ok=True)
    log = temporary.with_suffix(".log")
    with log.open("a") as written:
        process = subprocess.Popen(
            [BIN / "python", ROOT / "demo", *options],
            env=MACHINE | {"TMPDIR": str(temporary)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=written,
            text=True,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def of(temporary: Path) -> dict[int, list[str]]:
    """Return the words of the processes that belong to a demo, by their ids."""
    found = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            words = process.cmdline()
            mine = process.environ().get(MARK, "").startswith(str(temporary))
            named = any(word.startswith(str(temporary)) for word in words)
            if (mine or named) and process.status() != psutil.STATUS_ZOMBIE:
                found[process.pid] = words
    return found


def installs(temporary: Path) -> bool:
    """Tell whether a demo is at its second step."""
    return ["make", "build-dev"] in of(temporary).values()


def stays_at_installing(temporary: Path) -> bool:
    """Hold a demo at its second step, and tell whether it came there in time."""
    for process, words in of(temporary).items():
        if words == ["make", "build-dev"]:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGSTOP)
    return installs(temporary)


def folders(temporary: Path) -> list[Path]:
    return list(temporary.glob("mshell-cut-demo-*/*"))


def assert_nothing_left(temporary: Path) -> None:
    assert folders(temporary) == []
    assert of(temporary) == {}


def said(temporary: Path) -> str:
    return temporary.with_suffix(".log").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", ["docker", "dab"])
def test_all_steps_are_taken_and_leave_gold_rows_and_a_page(kind: str, tmp_path: Path) -> None:
    temporary = tmp_path / "t"
    with demo(temporary, "--kind", kind, "--json") as process:
        printed, _ = process.communicate()
    assert process.returncode == 0, said(temporary)
    shown = json.loads(printed)
    assert shown["kind"] == kind
    numbers = [number for step in shown["steps"] for number in range(step["first"], step["last"] + 1)]
    assert numbers == list(range(1, 18))
    assert all(step["lines"] for step in shown["steps"])

    # Each part did what only it can do.
    lines = {step["first"]: "\n".join(step["lines"]) for step in shown["steps"]}
    passed = re.findall(r"^make (\S+) passed", lines[5], re.MULTILINE)
    assert passed == ["build-dev", "lint", "test", "package"]
    assert re.search(r"make test passed in \d+ s: \d+ passed in ", lines[5])
    assert "tests/transformations/gold/test_gold_authors.py" in lines[3]
    if kind == "docker":
        installed = re.search(r"^installed (.*)$", lines[6], re.MULTILINE)
        assert installed
        names = {word.split()[0] for word in installed[1].split(", ")}
        assert {"skyspark", "popular-tags"} <= names
        assert not {"pytest", "ruff", "build", "hatchling", "pyspark"} & names
    else:
        assert re.search(r"^job \d+: .*popular-tags$", lines[7], re.MULTILINE)

    assert shown["rows"]["gold_popular_tags"] == POPULAR_TAGS
    authors = shown["rows"]["gold_authors"]
    assert [row["user_id"] for row in authors] == sorted({row["user_id"] for row in authors})
    assert len(authors) == 3

    text = Path(shown["page"]).read_text(encoding="utf-8")
    page = Page(text)
    assert page.steps == [f"step-{step['first']}" for step in shown["steps"]]
    for name, rows in shown["rows"].items():
        shown_rows = [["" if value is None else str(value) for value in row.values()] for row in rows]
        assert page.cells[name] == [list(rows[0]), *shown_rows]
    assert page.loaded == []
    assert all(link.startswith("http://127.0.0.1:") for link in page.links)
    assert "gold_authors" in page.framed
    assert Page(page.framed).loaded == []
    for part in text, page.framed:
        assert "content=\"default-src 'none'; " in part
        assert not re.search(r"url\((?!#)|@import", part)
    assert not re.search(r"dapi[0-9a-f]{16}", text)

    assert_nothing_left(temporary)


def test_a_killed_demo_leaves_nothing(tmp_path: Path) -> None:
    temporary = tmp_path / "t"
    with demo(temporary) as process:
        assert process.stdout
        until(lambda: installs(temporary), "it does not come to its second step", seconds=PATIENCE_S)
        process.kill()
        process.wait()
    until(lambda: not of(temporary), "processes still run", seconds=PATIENCE_S)
    assert_nothing_left(temporary)


def test_what_a_killed_demo_left_is_removed_by_the_next_which_ends_with_a_signal(tmp_path: Path) -> None:
    temporary = tmp_path / "t"
    with demo(temporary) as process:
        until(
            lambda: stays_at_installing(temporary), "it does not come to its second step", seconds=PATIENCE_S
        )
        # With its guard it loses the process that would clean up.
        (guard,) = (pid for pid, words in of(temporary).items() if str(ROOT / "demo/guard.py") in words)
        os.kill(guard, signal.SIGKILL)
        process.kill()
        process.wait()
    (left,) = folders(temporary)
    assert installs(temporary)

    with demo(temporary, "--kind", "dab") as process:
        assert process.stdout
        assert str(left) in process.stdout.readline()
        assert any("✓" in line for line in process.stdout)
        assert not left.exists()
        os.kill(process.pid, signal.SIGTERM)
        process.communicate()
        assert process.returncode == 130
    assert_nothing_left(temporary)


def test_what_is_wrong_is_said_in_a_sentence(tmp_path: Path) -> None:
    temporary = tmp_path / "t"
    temporary.mkdir()
    # Somebody else's folder in the place of the demo's.
    (temporary / f"mshell-cut-demo-{os.getuid()}").symlink_to(tmp_path)
    with demo(temporary) as process:
        printed, _ = process.communicate()
    assert process.returncode == 1
    assert printed == ""
    assert re.fullmatch(
        r"error: .* belongs to somebody else: name another folder in TMPDIR\.\n", said(temporary)
    )
