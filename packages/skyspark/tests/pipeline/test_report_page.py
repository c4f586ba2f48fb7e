"""The page of a run, read by a parser as a browser would."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from skyspark.errors import RunStateError
from skyspark.pipeline.run.page import page, write_page
from skyspark.pipeline.run.results import ExpectationResult

EVIL = "</script><script>alert('1')</script><img src=x onerror=\"alert(2)\"> & \x1b[31m\x00"
VOID = {"meta", "input", "link", "br", "img"}


class Read(HTMLParser):
    """Elements, texts by the section they are in, and whether all is closed in the right order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.text = [], [], {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        place = next(
            (a.get("id") for t, a in self.open if t == "section"), self.open[-1][0] if self.open else ""
        )
        self.text[place] = self.text.get(place, "") + data

    def all(self, tag, **attributes):
        return [
            attrs
            for name, attrs in self.elements
            if name == tag and all(value in attrs.get(key, "").split() for key, value in attributes.items())
        ]


@pytest.fixture
def broken(table_result, run_results):
    """A run with a failure, what was skipped for it, and broken expectations."""
    counted = [
        ExpectationResult(name="met", action="fail", broken=0, passed=10),
        ExpectationResult(name="half", action="drop", broken=5, passed=5),
        ExpectationResult(name="unknown", action="warn"),
    ]
    return run_results(
        table_result("orders", 0, 1000, layer="bronze", table="s.orders", rows_out=10, expectations=counted),
        table_result("users", 0, 400, layer="bronze", table="s.users", rows_in=7, rows_out=7),
        table_result(
            "joined", 1000, 1600, "orders", "users", layer="silver", status="failed", message="no such day."
        ),
        table_result(
            "report", None, None, "joined", layer="gold", status="skipped", message="'joined' failed."
        ),
        end=1700,
        status="failed",
    )


def test_each_table_has_a_row_and_each_that_began_a_bar_that_leads_there(broken):
    read = Read(page(broken))
    rows = {attrs["id"]: attrs["data-search"].split()[0] for attrs in read.all("tr") if "id" in attrs}
    assert list(rows.values()) == ["orders", "users", "joined", "report"]
    bars = read.all("a", **{"class": "bar"})
    assert [rows[bar["href"].removeprefix("#")] for bar in bars] == ["orders", "users", "joined"]
    assert [bar["data-reads"] for bar in bars] == ["", "", "0 1"]
    links = {attrs["href"].removeprefix("#") for attrs in read.all("a")}
    assert links <= set(rows)
    assert "--x:0.00000;--w:0.58824;--row:0;--lane:0" in bars[0]["style"]
    assert "--x:0.58824;--w:0.35294;--row:2;--lane:0" in bars[2]["style"]
    assert "failed" in bars[2]["class"].split()


def test_the_critical_path_is_marked_and_listed_with_its_shares(broken):
    read = Read(page(broken))
    critical = read.all("a", **{"class": "critical"})
    assert [bar["title"].splitlines()[0] for bar in critical] == ["orders", "joined"]
    text = " ".join(read.text["critical-path"].split())
    assert "1.60 s of 1.70 s (94.1 %)" in text
    assert re.search(r"orders\s*1.00 s\s*58.8 %\s*joined\s*0.60 s\s*35.3 %", text)
    assert "users" not in text


def test_figures_failures_and_causes_are_told(broken):
    read = Read(page(broken))
    header = read.text["small"] + read.text["dd"] + read.text["span"]
    assert "1 failed, 1 skipped, 2 succeeded" in header
    assert "7 read" in header
    assert "1 of 2" in header
    assert "17" in header
    assert "no such day." in read.text["failures"]
    assert "'joined' failed." in read.text["skipped"]
    quality = read.text["quality"]
    # The worst first.
    assert quality.index("ordershalf") < quality.index("ordersmet") < quality.index("ordersunknown")
    assert "50 %" in quality
    assert "not counted" in quality


def test_a_run_that_succeeded_has_no_section_on_failures(table_result, run_results):
    read = Read(page(run_results(table_result("a", 0, 10), end=10)))
    sections = [attrs["id"] for attrs in read.all("section")]
    assert sections == ["timeline", "critical-path", "tables"]


def test_a_run_that_was_stopped_before_it_began_has_a_page(table_result, run_results):
    read = Read(page(run_results(table_result("a"), end=0, status="cancelled")))
    assert [attrs["id"] for attrs in read.all("section")] == ["skipped", "tables"]


def test_nothing_in_a_name_or_message_becomes_markup(table_result, run_results):
    evil = table_result(
        EVIL,
        0,
        10,
        status="failed",
        message=EVIL,
        layer=EVIL,
        table=EVIL,
        expectations=[ExpectationResult(name=EVIL, action="warn", broken=1, passed=1)],
    )
    other = table_result("skipped", None, None, EVIL, status="skipped", message=EVIL)
    results = run_results(evil, other, end=10)
    results.pipeline = results.env = EVIL
    made = page(results)
    read = Read(made)
    assert len(read.all("script")) == 1
    assert made.count("</script>") == 1
    assert not read.all("img")
    assert not any(key.startswith("on") for _, attrs in read.elements for key in attrs)
    assert not re.search(r"[\x00\x1b]", made)
    shown = EVIL.translate({0: 0xFFFD, 0x1B: 0xFFFD})
    assert shown in read.text["failures"]
    assert shown in read.text["title"]


def test_the_page_needs_no_network_and_lets_no_other_script_run(broken):
    made = page(broken)
    read = Read(made)
    assert not re.search(r"https?:|//[a-z]|@import|url\(", made)
    assert not any({"src", "srcset", "action"} & attrs.keys() for _, attrs in read.elements)
    assert not read.all("link")
    (policy,) = [attrs["content"] for attrs in read.all("meta") if "http-equiv" in attrs]
    digest = base64.b64encode(hashlib.sha256(read.text["script"].encode()).digest()).decode()
    assert policy.split("; ")[:1] == ["default-src 'none'"]
    assert f"script-src 'sha256-{digest}'" in policy


def test_the_page_is_light_and_dark(broken):
    made = page(broken)
    colours = [
        dict(re.findall(r"(--[\w-]+): (#\w+)", block)) for block in re.findall(r":root \{(.*?)\}", made, re.S)
    ]
    light, dark = colours
    assert light.keys() == dark.keys()
    # No colour is used that one of the two lacks.
    sizes = {"--tone", "--gutter", "--end", "--space", "--shadow", "--x", "--w", "--n", "--row", "--lane"}
    assert set(re.findall(r"var\((--[\w-]+)\)", made)) - sizes - {"--rows", "--lanes"} <= light.keys()


def test_many_tables_are_shown_by_lane_first(table_result, run_results):
    few = Read(page(run_results(*(table_result(f"t{i}", 0, 10) for i in range(40)), end=10)))
    many = Read(page(run_results(*(table_result(f"t{i}", i, i + 10) for i in range(41)), end=60)))
    assert ["checked" in attrs for attrs in few.all("input") if attrs["type"] == "radio"] == [True, False]
    assert ["checked" in attrs for attrs in many.all("input") if attrs["type"] == "radio"] == [False, True]


def test_the_page_replaces_the_one_before_in_one_step(table_result, run_results, tmp_path, broken):
    folder = tmp_path / "new" / "folder"
    file = write_page(folder, broken)
    assert file == folder / "run.html"
    write_page(folder, run_results(table_result("later", 0, 10), end=10))
    assert "later" in file.read_text()
    assert [path.name for path in folder.iterdir()] == ["run.html"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path, broken):
    (tmp_path / "file").touch()
    with pytest.raises(RunStateError, match=f"the page cannot be written to {Path(tmp_path / 'file')}"):
        write_page(tmp_path / "file", broken)
