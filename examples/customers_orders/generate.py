"""Makes customers and orders as a shop might export them: mostly right, with what goes wrong in real files.

The same arguments give the same files, on every machine. About one row in fifty is wrong in some way: a
customer or an order that comes again, a missing key, an amount that is none or negative, stray spaces.
"""

import argparse
import csv
import json
import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

FIRST_DAY = date(2026, 1, 1)
DAYS = 28
NAMES = ("Ada Lovelace", "Grace Hopper", "Alan Turing", "Edsger Dijkstra", "Barbara Liskov", "Ken Thompson")
COUNTRIES = ("de", "fr", "gb", "nl", "us")
STATUSES = ("placed", "paid", "paid", "shipped", "shipped", "shipped", "returned")
COLUMNS = ("customer_id", "name", "email", "country", "signed_up", "updated_at")


def generate(folder: Path, rows: int, seed: int) -> None:
    """Write ``customers.csv``, and ``orders/`` with one JSON file for each day.

    Args:
        folder: Made when absent; files of an earlier run are replaced.
        rows: How many orders; there is one customer for ten of them.
        seed: Another seed gives other data.
    """
    chance = random.Random(seed)  # noqa: S311 - data, no secret
    orders = folder / "orders"
    orders.mkdir(parents=True, exist_ok=True)
    for old in orders.glob("orders-*.json"):
        old.unlink()
    count = max(rows // 10, 1)
    with (folder / "customers.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(_customers(chance, count))
    days: dict[date, list[str]] = {FIRST_DAY + timedelta(days=day): [] for day in range(DAYS)}
    for order in _orders(chance, rows, count):
        days[datetime.fromisoformat(order["ordered_at"]).date()].append(json.dumps(order))
    for day, lines in days.items():
        if lines:
            (orders / f"orders-{day}.json").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _customers(chance: random.Random, count: int) -> Iterator[tuple[str, ...]]:
    for number in range(1, count + 1):
        name = chance.choice(NAMES)
        mail = f"{name.split()[0].lower()}.{number}@example.com"
        signed_up = FIRST_DAY - timedelta(days=chance.randrange(1, 900))
        updated = datetime(2025, 12, 1, 8) + timedelta(minutes=chance.randrange(30 * 24 * 60))
        row = (f"C{number:05}", name, mail, chance.choice(COUNTRIES), signed_up.isoformat(), _at(updated))
        kind = number % 40
        if kind == 0:
            yield ("", *row[1:])
        elif kind == 1:
            yield (row[0], f"  {name.upper()} ", f" {mail.upper()}", *row[3:])
        elif kind == 2:
            yield (*row[:2], "unknown", *row[3:])
        else:
            yield row
        if kind == 3:
            # Moved: a newer version of the same customer.
            later = _at(updated + timedelta(days=chance.randrange(1, 20)))
            yield (*row[:3], chance.choice(COUNTRIES), row[4], later)


def _orders(chance: random.Random, rows: int, customers: int) -> Iterator[dict[str, str | int | None]]:
    for number in range(1, rows + 1):
        at = datetime.combine(FIRST_DAY, datetime.min.time()) + timedelta(
            seconds=chance.randrange(DAYS * 24 * 60 * 60)
        )
        order: dict[str, str | int | None] = {
            "order_id": f"O{number:07}",
            "customer_id": f"C{chance.randrange(1, customers + 1):05}",
            "ordered_at": _at(at),
            "status": chance.choice(STATUSES),
            "amount": f"{chance.randrange(100, 50_000) / 100:.2f}",
            "items": chance.randrange(1, 9),
        }
        kind = chance.randrange(100)
        wrong: dict[int, dict[str, str | int | None]] = {
            0: {"customer_id": None},
            1: {"amount": "n/a"},
            2: {"amount": f"-{order['amount']}"},
            3: {"status": "lost"},
        }
        yield {**order, **wrong.get(kind, {})}
        if kind == 4:
            # Sent twice, as queues do.
            yield order


def _at(moment: datetime) -> str:
    return f"{moment.isoformat()}Z"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make data for the pipeline.")
    parser.add_argument("folder", metavar="DIR", type=Path, help="where to write")
    parser.add_argument("--rows", type=int, default=1000, help="number of orders (default: 1000)")
    parser.add_argument("--seed", type=int, default=1, help="another seed gives other data (default: 1)")
    args = parser.parse_args()
    generate(args.folder, args.rows, args.seed)
