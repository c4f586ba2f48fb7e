"""The functions on the graph of tables, and how ``skyspark graph`` writes its files."""

import os
import threading
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from skyspark.cli import main
from skyspark.pipeline import graph

DIAMOND = {"d": ["b", "c"], "b": ["a"], "c": ["a"], "a": [], "alone": []}


def test_stages_keep_the_order_given_within_each() -> None:
    assert graph.stages(DIAMOND) == (("a", "alone"), ("b", "c"), ("d",))
    assert graph.in_order(DIAMOND) == ("a", "alone", "b", "c", "d")


def test_a_cycle_is_named_in_the_order_in_which_data_would_flow() -> None:
    inputs = {"a": ["c"], "b": ["a"], "c": ["b"], "d": ["a"]}
    cycle = graph.find_cycle(inputs)
    assert sorted(cycle) == ["a", "b", "c"]
    assert all(before in inputs[name] for before, name in pairwise(cycle))
    assert cycle[-1] in inputs[cycle[0]]
    assert graph.find_cycle({"a": ["a"]}) == ("a",)
    assert graph.find_cycle(DIAMOND) == ()


def test_readers_are_named_once() -> None:
    assert graph.readers({"a": [], "b": ["a", "a"]}) == {"a": ["b"], "b": []}


def test_reachable_counts_steps_from_the_nearest_start() -> None:
    chain = {"a": [], "b": ["a"], "c": ["b"], "d": ["c"]}
    assert graph.reachable(chain, ["d"]) == {"a", "b", "c"}
    assert graph.reachable(chain, ["d"], 1) == {"c"}
    assert graph.reachable(chain, ["d", "c"], 1) == {"c", "b"}
    assert graph.reachable(chain, ["d"], 0) == set()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    tables = [
        {"name": "orders", "layer": "bronze", "source": {"format": "json", "path": "in/orders"}},
        {
            "name": "revenue",
            "layer": "gold",
            "depends_on": ["orders"],
            "transformation": {"type": "sql", "query": "SELECT 1 AS one FROM orders"},
        },
    ]
    path = tmp_path / "config.yml"
    path.write_text(yaml.safe_dump({"name": "shop", "tables": tables}))
    return path


@pytest.mark.parametrize(
    ("ending", "begin"),
    [("mmd", "flowchart LR"), ("dot", 'digraph "shop" {'), ("GV", "digraph"), ("html", "<!doctype html>")],
)
def test_the_form_follows_the_ending(config: Path, tmp_path: Path, ending: str, begin: str) -> None:
    output = tmp_path / "new folder" / f"lineage.{ending}"
    main(["graph", str(config), "-o", str(output)])
    assert output.read_text(encoding="utf-8").startswith(begin)
    assert [file.name for file in output.parent.iterdir()] == [output.name]


def test_without_a_file_mermaid_goes_to_the_screen(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["graph", str(config)])
    assert capsys.readouterr().out.startswith("flowchart LR\n")


def test_the_selection_is_drawn(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["graph", str(config), "--select", "orders", "--format", "dot"])
    printed = capsys.readouterr().out
    assert "orders" in printed
    assert "revenue" not in printed


def test_an_unknown_ending_is_refused_before_anything_is_written(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "lineage.png"
    with pytest.raises(SystemExit) as caught:
        main(["graph", str(config), "-o", str(output)])
    assert caught.value.code == 2
    message = capsys.readouterr().err
    assert message.startswith("error: the ending of lineage.png says no form: use one of .mmd, ")
    assert ".html" in message
    assert not output.exists()
    main(["graph", str(config), "-o", str(output), "--format", "dot"])
    assert output.read_text().startswith("digraph")


def test_a_file_that_cannot_be_written_is_a_sentence_and_stays_as_it_was(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "lineage.html"
    output.write_text("before")

    def full(self: Path, *_: object, **__: object) -> None:
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(SystemExit) as caught:
        main(["graph", str(config), "-o", str(output)])
    assert caught.value.code == 2
    assert capsys.readouterr().err.endswith("lineage.html cannot be written: No space left on device.\n")
    assert output.read_text() == "before"
    assert {file.name for file in tmp_path.iterdir()} == {"config.yml", "lineage.html"}


def test_whoever_reads_the_old_file_reads_it_to_its_end(config: Path, tmp_path: Path) -> None:
    output = tmp_path / "lineage.html"
    output.write_text("before")
    with output.open() as reader:
        main(["graph", str(config), "-o", str(output)])
        assert reader.read() == "before"
    assert output.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_link_stays_a_link(config: Path, tmp_path: Path) -> None:
    target, link = tmp_path / "target.mmd", tmp_path / "link.mmd"
    target.write_text("before")
    link.symlink_to(target)
    main(["graph", str(config), "-o", str(link)])
    assert link.is_symlink()
    assert target.read_text().startswith("flowchart")


def test_a_pipe_is_written_to_and_not_replaced(config: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.dot"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    main(["graph", str(config), "-o", str(pipe)])
    reader.join(600)
    assert pipe.is_fifo()
    assert read[0].startswith("digraph")


class Elements(HTMLParser):
    """Counts elements: a page that closes one too early has others."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.found.append(tag)


def test_the_page_of_a_file_is_whole(config: Path, tmp_path: Path) -> None:
    output = tmp_path / "lineage.html"
    main(["graph", str(config), "-o", str(output)])
    elements = Elements()
    elements.feed(output.read_text(encoding="utf-8"))
    assert elements.found.count("script") == 2
    assert elements.found.count("svg") == 1
