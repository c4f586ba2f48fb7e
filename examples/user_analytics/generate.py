"""Makes events of an app and profiles of its users: mostly right, with what goes wrong in real files.

The same arguments give the same files, on every machine. Some events come twice, have no user, a user
without a profile or a negative duration; some profiles come in several versions.
"""

import argparse
import csv
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 14
EVENTS_A_FILE = 250
TYPES = ("view", "view", "view", "search", "search", "purchase")
COUNTRIES = ("de", "fr", "gb", "nl", "us")
PLANS = ("free", "free", "free", "pro", "trial")
COLUMNS = ("user_id", "country", "plan", "updated_at")


def generate(folder: Path, rows: int, seed: int) -> None:
    """Write ``events/`` with JSON files in the order of time, and ``user_profiles.csv``.

    Args:
        folder: Made when absent; files of an earlier run are replaced.
        rows: How many events; there is one user for twenty of them.
        seed: Another seed gives other data.
    """
    chance = random.Random(seed)  # noqa: S311 - data, no secret
    events = folder / "events"
    events.mkdir(parents=True, exist_ok=True)
    for old in events.glob("events-*.json"):
        old.unlink()
    users = max(rows // 20, 1)
    with (folder / "user_profiles.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(_profiles(chance, users))
    lines = [json.dumps(event) for event in _events(chance, rows, users)]
    for number, begin in enumerate(range(0, len(lines), EVENTS_A_FILE)):
        content = "\n".join(lines[begin : begin + EVENTS_A_FILE]) + "\n"
        (events / f"events-{number:05}.json").write_text(content, encoding="utf-8")


def _profiles(chance: random.Random, users: int) -> Iterator[tuple[str, ...]]:
    for number in range(1, users + 1):
        updated = BEGIN - timedelta(minutes=chance.randrange(1, 500_000))
        row = (f"U{number:05}", chance.choice(COUNTRIES), chance.choice(PLANS), _at(updated))
        kind = chance.randrange(20)
        if kind == 0:
            # An event of this user finds no profile.
            continue
        yield ("", *row[1:]) if kind == 1 else row
        if kind == 2:
            yield (row[0], row[1], "pro", _at(updated + timedelta(days=chance.randrange(1, 9))))


def _events(chance: random.Random, rows: int, users: int) -> Iterator[dict[str, str | int | None]]:
    seconds = sorted(chance.randrange(DAYS * 24 * 60 * 60) for _ in range(rows))
    for number, second in enumerate(seconds, 1):
        event: dict[str, str | int | None] = {
            "event_id": f"E{number:07}",
            "user_id": f"U{chance.randrange(1, users + 1):05}",
            "type": chance.choice(TYPES),
            "at": _at(BEGIN + timedelta(seconds=second)),
            "duration_ms": chance.randrange(10, 60_000),
        }
        kind = chance.randrange(50)
        if kind == 0:
            yield {**event, "user_id": None}
        elif kind == 1:
            yield {**event, "duration_ms": -1}
        else:
            yield event
        if kind == 2:
            # Sent twice, as queues do.
            yield event


def _at(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make data for the pipeline.")
    parser.add_argument("folder", metavar="DIR", type=Path, help="where to write")
    parser.add_argument("--rows", type=int, default=1000, help="number of events (default: 1000)")
    parser.add_argument("--seed", type=int, default=1, help="another seed gives other data (default: 1)")
    args = parser.parse_args()
    generate(args.folder, args.rows, args.seed)
