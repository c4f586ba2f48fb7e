"""Which tables a selection means, in which stages, and how ``skyspark plan`` shows them."""

import json
import os
import pty
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from skyspark.cli import main
from skyspark.errors import SelectionError
from skyspark.pipeline.model import Pipeline
from skyspark.pipeline.plan import Plan, Selection, make_plan


def pipeline(*tables: dict[str, Any]) -> Pipeline:
    return Pipeline.model_validate({"name": "shop", "tables": tables})


def python(layer: str, name: str) -> dict[str, str]:
    return {"type": "python", "function": f"transformations.{layer}.{name}.{name}"}


@pytest.fixture
def shop() -> Pipeline:
    """A diamond on raw, beside a chain on its own."""
    return pipeline(
        {"name": "gold", "layer": "gold", "tags": ["daily", "critical"], "depends_on": ["left", "right"]},
        {"name": "raw", "layer": "bronze", "tags": ["daily"]},
        {
            "name": "left",
            "layer": "silver",
            "tags": ["daily"],
            "depends_on": ["raw"],
            "transformation": python("silver", "left"),
        },
        {
            "name": "right",
            "layer": "silver",
            "depends_on": ["raw"],
            "transformation": {"type": "sql", "query": "SELECT 1", "file": "../sql/right.sql"},
        },
        {"name": "other", "layer": "bronze", "tags": ["weekly"]},
        {"name": "other_gold", "layer": "gold", "tags": ["weekly", "critical"], "depends_on": ["other"]},
    )


def names(plan: Plan) -> set[str]:
    return {table.name for table in plan.tables}


def selected(plan: Plan) -> set[str]:
    return names(plan) - plan.upstream


def test_nothing_asked_for_means_all_in_stages_and_the_order_of_the_file(shop: Pipeline) -> None:
    plan = make_plan(shop, Selection())
    assert plan.stages == (("raw", "other"), ("left", "right", "other_gold"), ("gold",))
    assert plan.upstream == frozenset()


@pytest.mark.parametrize(
    ("tags", "match", "expected"),
    [
        (["daily"], "any", {"gold", "raw", "left"}),
        (["daily", "critical"], "any", {"gold", "raw", "left", "other_gold"}),
        (["daily", "critical"], "all", {"gold"}),
    ],
)
def test_tags(shop: Pipeline, tags: list[str], match: Any, expected: set[str]) -> None:
    assert names(make_plan(shop, Selection(tags=tags, match=match, upstream=False))) == expected


def test_what_the_selected_tables_read_comes_along_and_is_known_as_such(shop: Pipeline) -> None:
    plan = make_plan(shop, Selection(tags=["daily", "critical"], match="all"))
    assert plan.stages == (("raw",), ("left", "right"), ("gold",))
    assert plan.upstream == {"raw", "left", "right"}


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("left", {"left"}),
        ("*t", {"left", "right"}),
        ("+left", {"raw", "left"}),
        ("raw+", {"raw", "left", "right", "gold"}),
        ("1+gold", {"left", "right", "gold"}),
        ("raw+1", {"raw", "left", "right"}),
        ("0+gold", {"gold"}),
        ("@left", {"raw", "left", "right", "gold"}),
        ("layer:silver+", {"left", "right", "gold"}),
        ("tag:weekly,layer:gold", {"other_gold"}),
        ("tag:weekly or left", {"other", "other_gold", "left"}),
        ("layer:gold and not tag:daily", {"other_gold"}),
        ("transformations/silver", {"left"}),
        ("path:transformations", {"left"}),
        ("./transformations/silver/", {"left"}),
        ("transformations/silver/left.py", {"left"}),
        ("path:transformations/silver/left", {"left"}),
        ("path:sql", {"right"}),
        ("path:*/left*", {"left"}),
    ],
)
def test_selectors(shop: Pipeline, selector: str, expected: set[str]) -> None:
    assert names(make_plan(shop, Selection(select=[selector], upstream=False))) == expected


def test_several_selectors_are_united_and_tags_narrow_them(shop: Pipeline) -> None:
    both = Selection(select=["layer:gold", "raw"], upstream=False)
    assert names(make_plan(shop, both)) == {"gold", "other_gold", "raw"}
    narrowed = Selection(tags=["daily"], select=["layer:gold", "raw"], upstream=False)
    assert names(make_plan(shop, narrowed)) == {"gold", "raw"}


def test_exclude_wins_over_selectors_and_over_upstream(shop: Pipeline) -> None:
    assert names(make_plan(shop, Selection(select=["gold"], exclude=["left"]))) == {"raw", "right", "gold"}
    with pytest.raises(SelectionError, match="nothing is selected"):
        make_plan(shop, Selection(select=["gold"], exclude=["gold", "left"]))


def test_what_only_excluded_tables_read_is_not_made(shop: Pipeline) -> None:
    assert names(make_plan(shop, Selection(select=["gold"], exclude=["left", "right"]))) == {"gold"}


def test_temporary_tables_come_along_even_without_upstream() -> None:
    made = pipeline(
        {"name": "stored"},
        {"name": "first", "temporary": True, "depends_on": ["stored"]},
        {"name": "second", "temporary": True, "depends_on": ["first"]},
        {"name": "target", "depends_on": ["second"]},
    )
    plan = make_plan(made, Selection(select=["target"], upstream=False))
    assert plan.stages == (("first",), ("second",), ("target",))
    assert plan.upstream == {"first", "second"}
    with pytest.raises(SelectionError, match=r"'target' reads the temporary table 'second'.*'second\+'"):
        make_plan(made, Selection(select=["target"], exclude=["second"]))


def test_all_that_is_unknown_is_named_at_once_with_close_matches(shop: Pipeline) -> None:
    asked = Selection(
        tags=["dayly"],
        select=["golt", "+layer:sliver", "nowhere/at/all"],
        exclude=["not tag:x"],
        upstream=True,
    )
    with pytest.raises(SelectionError) as caught:
        make_plan(shop, asked)
    assert str(caught.value).splitlines() == [
        "there is no tag 'dayly' (did you mean 'daily'?).",
        "there is no table 'golt' (did you mean 'gold'?).",
        "there is no layer 'sliver' (did you mean 'silver'?).",
        "there is no transformation under the path 'nowhere/at/all'.",
        "there is no tag 'x'.",
    ]


def test_an_empty_selection_says_what_there_is(shop: Pipeline) -> None:
    with pytest.raises(SelectionError) as caught:
        make_plan(shop, Selection(select=["gool*"]))
    message = str(caught.value)
    assert message.startswith("nothing is selected. No table matches 'gool*' (did you mean 'gold'?).")
    assert "the tables gold, raw, left, right, other, other_gold;" in message
    assert "the tags critical, daily, weekly;" in message
    assert "the layers bronze, gold, silver." in message


def test_a_pattern_that_matches_nothing_is_no_mistake_beside_one_that_does(shop: Pipeline) -> None:
    assert names(make_plan(shop, Selection(select=["raw", "tmp_*"], exclude=["old_*"]))) == {"raw"}


def test_a_pipeline_may_lack_tags_but_not_selected_ones() -> None:
    with pytest.raises(SelectionError, match="there is no tag 'daily'"):
        make_plan(pipeline({"name": "a"}), Selection(tags=["daily"]))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    tables = [
        {
            "name": "orders",
            "layer": "bronze",
            "tags": ["daily", "critical"],
            "source": {
                "format": "csv",
                "path": "in/orders",
                "options": {"header": True, "sparkPassword": "hunter2"},
            },
            "expectations": [
                {"type": "null_check", "columns": ["id"], "action": "drop"},
                {"type": "unique", "columns": ["id"], "action": "fail"},
            ],
            "target": {"quarantine": True, "cluster_by": ["day"]},
        },
        {
            "name": "revenue",
            "layer": "gold",
            "depends_on": ["orders"],
            "transformation": {"type": "sql", "query": "SELECT sum(amount) AS amount FROM orders"},
        },
    ]
    path = tmp_path / "config.yml"
    path.write_text(yaml.safe_dump({"name": "shop", "schema": "sales", "tables": tables}))
    return path


def test_the_command_prints_plain_columns_into_a_pipe(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["plan", str(config), "--select", "revenue"])
    head, orders, revenue, empty, summary = capsys.readouterr().out.splitlines()
    assert head.split() == ["stage", "name", "layer", "tags", "mode", "reads", "table", "why"]
    assert orders.split() == [
        *("1", "orders", "bronze", "daily,critical", "batch:overwrite", "-", "sales.orders", "upstream")
    ]
    assert revenue.split() == [
        *("2", "revenue", "gold", "-", "batch:overwrite", "orders", "sales.revenue", "selected")
    ]
    assert (empty, summary) == ("", "2 tables in 2 stages: 1 selected, 1 upstream.")


def test_the_command_prints_all_there_is_to_know_as_json(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["plan", str(config), "--json"])
    printed = json.loads(capsys.readouterr().out)
    assert printed["pipeline"] == {
        "name": "shop",
        "description": None,
        "catalog": None,
        "schema": "sales",
        "tables": 2,
    }
    assert printed["stages"] == [["orders"], ["revenue"]]
    orders, revenue = printed["tables"]
    assert orders | {"source": None, "expectations": None} == {
        "name": "orders",
        "why": "selected",
        "stage": 1,
        "layer": "bronze",
        "tags": ["daily", "critical"],
        "description": None,
        "mode": "batch",
        "temporary": False,
        "reads": [],
        "streams": [],
        "table": "sales.orders",
        "write_mode": "overwrite",
        "quarantine": "sales.orders_quarantine",
        "target": {"cluster_by": ["day"]},
        "source": None,
        "transformation": None,
        "expectations": None,
    }
    assert orders["expectations"][0]["condition"] == "`id` IS NOT NULL"
    assert [rule["name"] for rule in orders["expectations"]] == ["null_check_id", "unique_id"]
    assert revenue["transformation"] == {"type": "sql", "query": "SELECT sum(amount) AS amount FROM orders"}


def test_secrets_are_not_printed(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["plan", str(config), "--json"])
    printed = capsys.readouterr().out
    assert "hunter2" not in printed
    assert json.loads(printed)["tables"][0]["source"]["options"]["header"] == "true"


def read_to_end(terminal: int) -> bytes:
    """Read what was written to a terminal that nobody writes to any more; one read may give a part of it."""
    printed = b""
    # The end is an error on Linux.
    with suppress(OSError):
        while chunk := os.read(terminal, 100_000):
            printed += chunk
    return printed


def test_the_command_draws_a_table_on_a_terminal(config: Path) -> None:
    ours, theirs = pty.openpty()
    environment = os.environ | {"COLUMNS": "160", "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)
    command = [sys.executable, "-m", "skyspark", "plan", str(config)]
    done = subprocess.run(command, stdout=theirs, env=environment, check=False)
    os.close(theirs)
    printed = read_to_end(ours).decode()
    os.close(ours)
    assert done.returncode == 0
    assert "\x1b[" in printed
    assert "daily, critical" in printed
    assert "2 tables in 2 stages: 2 selected." in printed


def test_a_mistake_is_one_sentence_and_exit_code_2(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["plan", str(config), "--select", "revenu"])
    assert caught.value.code == 2
    assert capsys.readouterr().err == "error: there is no table 'revenu' (did you mean 'revenue'?).\n"


def test_planning_imports_neither_spark_nor_rich(config: Path) -> None:
    program = (
        "import sys; from skyspark.cli import main; main(sys.argv[1:]); "
        "print(sorted({'pyspark', 'rich', 'databricks'} & set(sys.modules)))"
    )
    for arguments in (["plan", str(config)], ["graph", str(config), "--format", "html"]):
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
        )
        assert done.stdout.splitlines()[-1] == "[]"
