"""The steps, without Airflow."""

import pytest

from << cookiecutter.pipeline_name >>.steps import bronze, cents, gold, silver


def order(number: int, country: str = "DE", amount: str | None = "1.00") -> dict[str, object]:
    return {"order_id": number, "country": country, "ordered_on": "2026-01-01", "amount": amount}


def test_bronze_keeps_every_line_and_says_which_it_was() -> None:
    assert bronze(["order_id,amount\n", "1,free\n", "1,2\n"]) == [
        {"line": 2, "order_id": "1", "amount": "free"},
        {"line": 3, "order_id": "1", "amount": "2"},
    ]


def test_silver_keeps_an_order_as_it_came_last() -> None:
    (kept,) = silver([order(1, amount="5.00"), order(1, amount="7.50")])
    assert kept["amount_cents"] == 750


def test_silver_keeps_no_order_without_a_country_or_an_amount() -> None:
    rows = [order(1, country=""), order(2, amount="unknown"), order(3, amount=None), order(4)]
    assert [row["order_id"] for row in silver(rows)] == [4]


def test_gold_sums_by_country_and_begins_with_the_greatest() -> None:
    rows = silver([order(1), order(2, "FR", "2.50"), order(3, amount="1.00")])
    assert gold(rows) == [
        {"country": "FR", "orders": 1, "revenue_cents": 250},
        {"country": "DE", "orders": 2, "revenue_cents": 200},
    ]


@pytest.mark.parametrize(
    ("amount", "expected"), [("19.90", 1990), ("0.29", 29), ("7", 700), ("", None), ("NaN", None)]
)
def test_cents_are_exact(amount: str, expected: int | None) -> None:
    assert cents(amount) == expected
