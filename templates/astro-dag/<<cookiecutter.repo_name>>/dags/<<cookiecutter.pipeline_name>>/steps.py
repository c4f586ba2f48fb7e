"""What the steps do, as pure functions from rows to rows.

A row of bronze has its `line` and the texts `order_id`, `country`, `ordered_on` and `amount`, one
of silver `amount_cents` in place of `line` and `amount`, one of gold `country`, `orders` and
`revenue_cents`.
"""

import csv
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

Row = dict[str, Any]


def bronze(lines: Iterable[str]) -> list[Row]:
    """Take the rows of a CSV file as they are, each with the number of its line.

    Args:
        lines: the file, its header first.
    """
    return [{"line": line, **row} for line, row in enumerate(csv.DictReader(lines), start=2)]


def silver(rows: Iterable[Row]) -> list[Row]:
    """Keep each order once, as it came last, and only with a country and an amount.

    Args:
        rows: rows of bronze.
    """
    orders = {}
    for row in rows:
        amount_cents = cents(row["amount"])
        if row["country"] and amount_cents is not None:
            orders[row["order_id"]] = {
                "order_id": row["order_id"],
                "country": row["country"],
                "ordered_on": row["ordered_on"],
                "amount_cents": amount_cents,
            }
    return list(orders.values())


def gold(rows: Iterable[Row]) -> list[Row]:
    """Sum the orders of each country, the greatest revenue first.

    Args:
        rows: rows of silver.
    """
    countries: dict[str, Row] = {}
    for row in rows:
        country = countries.setdefault(
            row["country"], {"country": row["country"], "orders": 0, "revenue_cents": 0}
        )
        country["orders"] += 1
        country["revenue_cents"] += row["amount_cents"]
    return sorted(countries.values(), key=lambda row: (-row["revenue_cents"], row["country"]))


def cents(amount: str | None) -> int | None:
    """Read an amount such as `19.90`; None where it is none."""
    try:
        return int(Decimal(amount) * 100)
    except (InvalidOperation, OverflowError, TypeError, ValueError):
        return None
