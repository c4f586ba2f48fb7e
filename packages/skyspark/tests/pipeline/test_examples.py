"""The example pipelines: their data, their plans, and their tables against plain Python on the same files."""

import csv
import json
import shutil
import subprocess
import sys
from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from skyspark.pipeline.plan import Selection, make_plan
from skyspark.pipeline.read import load_pipeline
from skyspark.pipeline.run.options import RunOptions
from skyspark.pipeline.sql import generate

EXAMPLES = Path(__file__).parents[4] / "examples"
FILES = ("customers_orders/config.yml", "user_analytics/config.yml", "user_analytics/steps.yml")


def make_data(example: str, folder: Path, rows: int, seed: int = 7) -> Path:
    # -I and -S: neither the environment nor an installed package can help.
    program = [sys.executable, "-I", "-S", str(EXAMPLES / example / "generate.py"), str(folder)]
    subprocess.run([*program, "--rows", str(rows), "--seed", str(seed)], check=True)
    return folder


def contents(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest() for path in files}


def json_rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in sorted(folder.glob("*.json")) for line in path.open()]


def csv_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("example", "first", "seventh"),
    [
        ("customers_orders", "customers.csv", "orders/orders-2026-01-05.json"),
        ("user_analytics", "user_profiles.csv", "events/events-00000.json"),
    ],
)
def test_the_same_arguments_make_the_same_files(
    tmp_path: Path, example: str, first: str, seventh: str
) -> None:
    one = contents(make_data(example, tmp_path / "one", 600))
    assert {first, seventh} <= set(one)
    assert contents(make_data(example, tmp_path / "two", 600)) == one
    assert contents(make_data(example, tmp_path / "two", 600, seed=8))[first] != one[first]
    # What is left of an earlier, larger run would be read along.
    make_data(example, tmp_path / "small", 3)
    assert contents(make_data(example, tmp_path / "one", 3)) == contents(tmp_path / "small")


def test_the_data_holds_what_the_pipelines_have_to_deal_with(tmp_path: Path) -> None:
    shop = make_data("customers_orders", tmp_path / "shop", 1000)
    orders = json_rows(shop / "orders")
    assert len({order["order_id"] for order in orders}) == 1000 < len(orders)
    assert {"n/a"} < {order["amount"] for order in orders}
    assert None in {order["customer_id"] for order in orders}
    assert "lost" in {order["status"] for order in orders}
    customers = csv_rows(shop / "customers.csv")
    assert "" in {customer["customer_id"] for customer in customers}
    assert len({customer["customer_id"] for customer in customers} - {""}) < 100 < len(customers)
    app = make_data("user_analytics", tmp_path / "app", 1000)
    events = json_rows(app / "events")
    assert len({event["event_id"] for event in events}) == 1000 < len(events)
    profiles = {profile["user_id"] for profile in csv_rows(app / "user_profiles.csv")}
    assert {event["user_id"] for event in events} - profiles - {None}


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("env", ["local", "prod"])
def test_they_load_and_plan(file: str, env: str) -> None:
    pipeline = load_pipeline(EXAMPLES / file, env=env)
    plan = make_plan(pipeline, Selection())
    assert len(plan.tables) == len(pipeline.tables)
    assert pipeline.catalog == ("main" if env == "prod" else None)


def test_tags_select_a_table_with_what_it_reads() -> None:
    pipeline = load_pipeline(EXAMPLES / FILES[0])
    plan = make_plan(pipeline, Selection(tags=["daily", "critical"], match="all"))
    assert plan.stages == (
        ("bronze_customers", "bronze_orders"),
        ("silver_customers", "silver_orders"),
        ("customer_lifetime_value", "daily_revenue"),
    )
    assert plan.upstream == {"bronze_customers", "silver_customers"}


@pytest.mark.parametrize("file", FILES[1:])
@pytest.mark.parametrize("dialect", ["databricks", "spark"])
def test_those_without_python_can_be_written_as_sql_as_they_are(file: str, dialect: Any) -> None:
    plan = make_plan(load_pipeline(EXAMPLES / file), Selection())
    # Open-source Spark follows no path as a stream: there such a table is made whole, which strict refuses.
    written = "\n".join(one.text for one in generate(plan, dialect, strict=dialect == "databricks"))
    for table in plan.tables:
        assert table.name in written


@pytest.fixture
def run(spark: Any, warehouse: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a file of the examples on data and returns the tables' results by name."""
    from skyspark.pipeline.run.engine import run_plan

    monkeypatch.chdir(tmp_path)

    def run_file(file: str, data: Path, *select: str) -> dict[str, Any]:
        variables = {"DATA": str(data), "SCHEMA": warehouse}
        plan = make_plan(load_pipeline(EXAMPLES / file, variables=variables), Selection(select=select))
        results = run_plan(plan, spark, RunOptions())
        assert {table.name: table.message for table in results.tables if table.status != "succeeded"} == {}
        return {table.name: table for table in results.tables}

    return run_file


def amount(order: dict[str, Any]) -> Decimal | None:
    try:
        return Decimal(order["amount"])
    except InvalidOperation:
        return None


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def broken(results: Any, table: str) -> dict[str, int]:
    return {rule.name: rule.broken for rule in results[table].expectations}


def test_customers_and_orders(spark: Any, run: Any, tmp_path: Path) -> None:
    data = make_data("customers_orders", tmp_path / "data", 400)
    results = run(FILES[0], data)

    # A second row of an order is the first one again.
    orders = list({order["order_id"]: order for order in json_rows(data / "orders")}.values())
    bad = {
        order["order_id"]
        for order in orders
        if order["customer_id"] is None or amount(order) is None or amount(order) <= 0
    }
    good = [order for order in orders if order["order_id"] not in bad]
    assert {row.order_id for row in spark.table("silver_orders_quarantine").collect()} == bad
    assert broken(results, "silver_orders")["accepted_values_status"] == sum(
        order["status"] == "lost" for order in orders
    )
    assert bad

    sold = [order for order in good if order["status"] != "returned"]
    by_day: dict[date, list[dict[str, Any]]] = defaultdict(list)
    by_customer: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for order in sold:
        by_day[moment(order["ordered_at"]).date()].append(order)
        by_customer[order["customer_id"]].append(order)
    assert {tuple(row) for row in spark.table("daily_revenue").collect()} == {
        (
            day,
            len(of_day),
            len({order["customer_id"] for order in of_day}),
            sum(order["items"] for order in of_day),
            sum(map(amount, of_day)),
        )
        for day, of_day in by_day.items()
    }

    versions = [row for row in csv_rows(data / "customers.csv") if row["customer_id"]]
    newest = {
        row["customer_id"]: row for row in sorted(versions, key=lambda row: (row["updated_at"], row["email"]))
    }
    expected = set()
    for customer, row in newest.items():
        own = by_customer.get(customer, [])
        value = sum(map(amount, own), Decimal(0))
        days = [moment(order["ordered_at"]).date() for order in own] or [None]
        segment = "valuable" if value >= 1000 else "active" if value > 0 else "new"
        name = row["name"].strip().title()
        expected.add((customer, name, row["country"].upper(), len(own), value, min(days), max(days), segment))
    assert {tuple(row) for row in spark.table("customer_lifetime_value").collect()} == expected

    counted = {row.status: row.orders for row in spark.table("orders_by_status").collect()}
    assert counted == {
        status: sum(order["status"] == status for order in good) for status in {o["status"] for o in good}
    }


def test_user_analytics_as_a_stream_that_goes_on_and_as_one_batch(
    spark: Any, run: Any, tmp_path: Path
) -> None:
    whole = make_data("user_analytics", tmp_path / "whole", 600)
    part = tmp_path / "data"
    shutil.copytree(whole, part)
    late = sorted((part / "events").glob("*.json"))[1:]
    for path in late:
        path.unlink()
    before = run(FILES[1], part, "silver_events")["silver_events"].rows_out
    for path in late:
        shutil.copy(whole / "events" / path.name, path)
    after = run(FILES[1], part)["silver_events"].rows_out

    events = json_rows(whole / "events")
    valid = [event for event in events if event["user_id"] is not None and event["duration_ms"] >= 0]
    # The second run read what was new, and nothing again.
    assert late
    assert (before > 0, before + after) == (True, len(valid))

    rows = sorted(csv_rows(whole / "user_profiles.csv"), key=lambda row: row["updated_at"])
    profiles = {row["user_id"]: row for row in rows if row["user_id"]}
    once = {event["event_id"]: event for event in valid}.values()
    users: dict[date, set[str]] = defaultdict(set)
    seen: dict[date, int] = defaultdict(int)
    countries: dict[tuple[date, str], set[str]] = defaultdict(set)
    for event in once:
        day = moment(event["at"]).date()
        users[day].add(event["user_id"])
        seen[day] += 1
        profile = profiles.get(event["user_id"])
        countries[day, profile["country"] if profile else "unknown"].add(event["user_id"])
    assert {tuple(row) for row in spark.table("daily_active_users").collect()} == {
        (day, len(of_day), seen[day]) for day, of_day in users.items()
    }
    metrics = {row.user_id: row for row in spark.table("user_metrics").collect()}
    assert set(metrics) == set(profiles)
    for user, row in metrics.items():
        own = [event for event in once if event["user_id"] == user]
        assert row.plan == profiles[user]["plan"]
        assert row.events == len(own)
        assert row.duration_ms == sum(event["duration_ms"] for event in own)
        assert row.purchases == sum(event["type"] == "purchase" for event in own)
        assert row.active_days == len({moment(event["at"]).date() for event in own})

    run(FILES[2], whole)
    found = {
        (row.event_date, row.country): row.active_users
        for row in spark.table("active_users_by_country").collect()
    }
    assert found == {key: len(of_day) for key, of_day in countries.items()}
