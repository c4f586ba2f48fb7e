"""The three forms of a lineage: what they hold, and that no name or description breaks out of them."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest
from skyspark.pipeline.draw.dot import dot
from skyspark.pipeline.draw.layout import HEIGHT, lay_out
from skyspark.pipeline.draw.lineage import Lineage, lineage
from skyspark.pipeline.draw.mermaid import mermaid
from skyspark.pipeline.draw.page import page
from skyspark.pipeline.model import Pipeline
from skyspark.pipeline.plan import Plan, Selection, make_plan

EVIL = '</script><script>alert("1")</script><!--&amp;\\'


def plan_of(tables: list[dict[str, Any]], name: str = "shop", **selection: Any) -> Plan:
    pipeline = Pipeline.model_validate({"name": name, "tables": tables})
    return make_plan(pipeline, Selection(**selection))


@pytest.fixture
def tables() -> list[dict[str, Any]]:
    events = {"format": "json", "path": "in/events"}
    return [
        {"name": "events", "layer": "bronze", "mode": "streaming", "source": events},
        {"name": "again", "layer": "bronze", "source": events},
        {
            "name": "seen",
            "layer": "silver",
            "mode": "streaming",
            "depends_on": ["events", "again"],
            "tags": ["daily"],
        },
        {"name": "view", "temporary": True, "depends_on": ["seen"]},
        {
            "name": "top",
            "layer": "gold",
            "depends_on": ["view", "events"],
            "description": "What is there & more",
            "transformation": {"type": "sql", "query": "SELECT 1 FROM view"},
            "expectations": [{"expression": "a < 1"}, {"type": "unique", "columns": ["a"]}],
        },
    ]


def edges(drawn: Lineage) -> set[tuple[str, str, bool]]:
    names = {node.id: node.name for node in drawn.nodes}
    return {(names[edge.start], names[edge.end], edge.streamed) for edge in drawn.edges}


def test_a_source_is_drawn_once_and_streams_are_told_apart(tables: list[dict[str, Any]]) -> None:
    drawn = lineage(plan_of(tables))
    assert [node.name for node in drawn.nodes] == ["in/events", "events", "again", "seen", "view", "top"]
    assert edges(drawn) == {
        ("in/events", "events", True),
        ("in/events", "again", False),
        ("events", "seen", True),
        ("again", "seen", False),
        ("seen", "view", False),
        ("view", "top", False),
        ("events", "top", False),
    }
    assert [node.column for node in drawn.nodes] == [0, 1, 1, 2, 3, 4]


def test_what_is_read_and_not_selected_is_drawn_as_such(tables: list[dict[str, Any]]) -> None:
    drawn = lineage(plan_of(tables, select=["seen"], upstream=False))
    assert {node.name: node.kind for node in drawn.nodes} == {
        "events": "outside",
        "again": "outside",
        "seen": "table",
    }


def test_mermaid(tables: list[dict[str, Any]]) -> None:
    lines = mermaid(lineage(plan_of(tables))).splitlines()
    assert lines[0] == "flowchart LR"
    assert '    s1[("in/events<br>json")]:::source' in lines
    assert '    t1["events"]:::bronze' in lines
    assert '    t4(["view"]):::plain' in lines
    assert "    s1 -.-> t1" in lines
    assert "    t4 --> t5" in lines
    assert {line.split()[1] for line in lines if "classDef" in line} == {
        *("source", "bronze", "silver", "gold", "plain")
    }


def test_dot(tables: list[dict[str, Any]]) -> None:
    text = dot(lineage(plan_of(tables)), "shop")
    assert text.startswith('digraph "shop" {\n    rankdir=LR;\n')
    assert "    { rank=same; t1; t2; }\n" in text
    assert "    s1 -> t1 [style=dashed];\n" in text
    assert '    t5 [label="top", class=gold, ' in text
    assert text.endswith("}\n")


@pytest.mark.parametrize("name", [EVIL, 'a"b', "a`b", "style:a#b", "two\nlines", "#quot;", "[a](b)"])
def test_no_name_breaks_out_of_mermaid(name: str) -> None:
    table = {"name": name, "target": {"table": "plain"}, "source": {"format": "csv", "path": name}}
    for line in mermaid(lineage(plan_of([table]))).splitlines()[1:3]:
        label = re.fullmatch(r'    (?:s1\[\("(.*)<br>csv"\)\]:::source|t1\["(.*)"\]:::plain)', line)
        assert label is not None
        inner = label[1] or label[2]
        assert re.fullmatch(r"[\w ./*(),=-]*(#\d+;[\w ./*(),=-]*)*", inner)
        assert re.sub(r"#(\d+);", lambda code: chr(int(code[1])), inner) == name


@pytest.mark.parametrize("name", [EVIL, 'a"b', "a\\", "\\N", "two\nlines"])
def test_no_name_breaks_out_of_dot(name: str) -> None:
    text = dot(lineage(plan_of([{"name": name, "target": {"table": "plain"}}])), name)
    quoted = re.findall(r'"((?:[^"\\]|\\.)*)"', text)
    restored = [re.sub(r"\\(.)", r"\1", one) for one in quoted]
    assert restored.count(name.replace("\n", " ")) == 2
    # With all texts taken out, nothing but the graph's own words is left.
    assert re.fullmatch(r"[\w\s{}\[\];=,-]*", re.sub(r'"(?:[^"\\]|\\.)*"', "", text).replace("->", ""))


class Page(HTMLParser):
    """The parts of a page: elements in order with their attributes, and texts by element."""

    VOID = frozenset({"meta", "input"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def boxes(self) -> list[dict[str, str | None]]:
        return [one for one in self.all("g") if (one.get("class") or "").startswith("node")]

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.texts["script"][0])
        return found


def test_the_page_shows_every_table_and_arrow_without_its_script(tables: list[dict[str, Any]]) -> None:
    shown = Page(page(plan_of(tables)))
    assert [box["aria-label"] for box in shown.boxes] == [
        "in/events, json",
        "events, bronze · streaming append",
        "again, bronze · overwrite",
        "seen, silver · streaming append",
        "view, view",
        "top, gold · overwrite",
    ]
    classes = [path["class"] for path in shown.all("path") if (path.get("class") or "").startswith("edge")]
    assert len(classes) == 7
    assert classes.count("edge streamed") == 2
    assert "✓ 2" in shown.texts["text"]
    assert shown.texts["p"][0] == "5 tables, 4 stages, 2 expectations"


def test_the_details_of_a_table_are_in_the_page(tables: list[dict[str, Any]]) -> None:
    data = Page(page(plan_of(tables))).data
    top = next(node for node in data["nodes"] if node["name"] == "top")
    assert top["table"]["description"] == "What is there & more"
    assert top["table"]["transformation"]["query"] == "SELECT 1 FROM view"
    assert [rule["name"] for rule in top["table"]["expectations"]] == ["a < 1", "unique_a"]
    assert top["table"]["table"] == "default.top"
    assert ["t4", "t5"] in data["edges"]


def test_the_page_needs_nothing_but_itself(tables: list[dict[str, Any]]) -> None:
    html = page(plan_of(tables))
    assert not re.search(r"https?:|//[a-z]+\.|url\((?!#tip)|@import|\bfetch\(|XMLHttpRequest", html)
    shown = Page(html)
    for attributes in (attributes for _, attributes in shown.elements):
        assert not {"src", "href", "style"} & set(attributes)
        assert not [name for name in attributes if name.startswith("on")]


def test_the_policy_lets_only_the_script_of_the_page_run(tables: list[dict[str, Any]]) -> None:
    html = page(plan_of(tables))
    policy = next(one["content"] for one in Page(html).all("meta") if "http-equiv" in one)
    script = html[html.rindex("<script>") + len("<script>") : html.rindex("</script>")]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy is not None
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    # Text from the file becomes HTML in no other way than as text.
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function", script)


def test_no_text_of_a_pipeline_breaks_out_of_the_page() -> None:
    table = {
        "name": EVIL,
        "description": EVIL,
        "tags": [EVIL],
        "target": {"table": "plain"},
        "source": {"format": "csv", "path": EVIL, "options": {EVIL: EVIL}},
        "transformation": {"type": "sql", "query": EVIL},
        "expectations": [{"name": EVIL, "expression": EVIL}],
    }
    pipeline = Pipeline.model_validate(
        {"name": f"{EVIL}$title", "description": EVIL + "$data", "tables": [table]}
    )
    shown = Page(page(make_plan(pipeline, Selection())))
    assert len(shown.all("script")) == 2
    assert "".join(shown.texts["title"]).startswith(f"{EVIL}$title")
    # Without these no element can end or begin, however a browser reads a script.
    assert not set("<>&") & set(shown.texts["script"][0])
    node = shown.data["nodes"][1]
    assert node["name"] == node["table"]["description"] == node["table"]["tags"][0] == EVIL
    assert node["table"]["source"]["options"] == {EVIL: EVIL}
    assert shown.boxes[1]["aria-label"] == f"{EVIL}, overwrite"


def test_boxes_do_not_overlap_and_arrows_go_to_the_right(tables: list[dict[str, Any]]) -> None:
    drawn = lineage(plan_of(tables))
    layout = lay_out(drawn)
    assert set(layout.boxes) == {node.id for node in drawn.nodes}
    by_left: dict[float, list[float]] = {}
    for box in layout.boxes.values():
        assert 0 <= box.x <= layout.width - box.width
        assert -0.01 <= box.y <= layout.height - HEIGHT + 0.01
        by_left.setdefault(box.x, []).append(box.y)
    for tops in by_left.values():
        tops.sort()
        assert all(low - high >= HEIGHT for high, low in pairwise(tops))
    for edge, path in zip(drawn.edges, layout.paths, strict=True):
        start, end = layout.boxes[edge.start], layout.boxes[edge.end]
        assert path.startswith(f"M{start.x + start.width:.1f} {start.y + HEIGHT / 2:.1f}")
        assert path.endswith(f"{end.x:.1f} {end.y + HEIGHT / 2:.1f}")


def test_an_arrow_past_a_column_goes_around_its_boxes() -> None:
    tables: list[dict[str, Any]] = [
        {"name": "a"},
        {"name": "b", "depends_on": ["a"]},
        {"name": "c", "depends_on": ["b", "a"]},
    ]
    drawn = lineage(plan_of(tables))
    layout = lay_out(drawn)
    between = layout.boxes["t2"]
    path = next(
        path
        for edge, path in zip(drawn.edges, layout.paths, strict=True)
        if (edge.start, edge.end) == ("t1", "t3")
    )
    passing = re.search(rf" {between.x:.1f} ([\d.]+)H{between.x + between.width:.1f}", path)
    assert passing is not None
    assert not between.y <= float(passing[1]) <= between.y + HEIGHT


def test_a_long_name_is_shortened_in_its_box_and_whole_in_its_title() -> None:
    name = "a_very_long_name_of_a_table_that_nobody_would_want_to_read_aloud"
    layout = lay_out(lineage(plan_of([{"name": name}])))
    label = layout.boxes["t1"].label
    assert "…" in label
    assert name.startswith(label.split("…")[0])
    assert name.endswith(label.split("…")[1])
    assert name in Page(page(plan_of([{"name": name}]))).texts["title"]
