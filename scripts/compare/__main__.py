"""Runs rows of the comparison and prints what is found."""

import argparse
import datetime
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from compare import page
from compare.environments import NotHereError
from compare.findings import Finding, record
from compare.machine import Machine
from compare.scenarios import ROWS, TOOLS, tools_of
from compare.tools import Tool
from compare.workspace import workspace

_EXAMPLES = """\
examples:
  python scripts/compare --list                  the rows and what each tries
  python scripts/compare rename conflict         two rows, all tools
  python scripts/compare --tool copier -v        all rows of one tool, with every command and what it said
  python scripts/compare --write                 all rows; writes results.json and the tables of the page

The databricks CLI is taken from PATH. The other tools are installed into the cache, with pinned versions.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line names; exit 1 when a row could not be run."""
    options = _options(arguments)
    if options.list:
        for row in ROWS.values():
            print(f"{row.name:<22} {row.title}\n{'':<22} {row.tried}")
        return 0
    versions: dict[str, str] = {}
    findings: dict[str, dict[str, Finding]] = {}
    failed = 0
    for tool in options.tool or TOOLS:
        names = [name for name in options.row or ROWS if tool in tools_of(ROWS[name])]
        try:
            versions[tool] = TOOLS[tool].version
        except NotHereError as error:
            print(f"{tool}: {error}; its results are those that are recorded.", file=sys.stderr)
            continue
        with workspace(TOOLS[tool]):
            for name in names:
                print(f"{tool}: {name} …", file=sys.stderr, flush=True)
                try:
                    found = run(name, TOOLS[tool], loud=options.verbose)
                except Exception as error:  # noqa: BLE001 (a row that cannot be run stops no other)
                    failed += 1
                    print(f"{tool}: {name} could not be run: {error!r}", file=sys.stderr)
                else:
                    findings.setdefault(name, {})[tool] = found
    if options.write:
        record(datetime.datetime.now(datetime.UTC).date().isoformat(), versions, findings)
        page.write()
    if options.json:
        found = {name: {tool: asdict(f) for tool, f in by.items()} for name, by in findings.items()}
        print(json.dumps({"versions": versions, "rows": found}, indent=2))
    else:
        _print(versions, findings)
    return 1 if failed else 0


def run(name: str, tool: Tool, *, loud: bool = False) -> Finding:
    """Run one row for one tool, in a folder of its own that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="compare-", ignore_cleanup_errors=True) as folder:
        return ROWS[name].find(tool, Machine(Path(folder).resolve(), loud=loud))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python scripts/compare",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("row", nargs="*", help="the rows to run; all by default")
    parser.add_argument("--tool", action="append", choices=list(TOOLS), help="repeat it; all by default")
    parser.add_argument("--list", action="store_true", help="print the rows and what each tries")
    parser.add_argument("--json", action="store_true", help="print what is found as JSON")
    parser.add_argument(
        "--write", action="store_true", help="record what is found, and write the page's tables"
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="print each command and what it said")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.row if name not in ROWS]
    if unknown:
        parser.error(f"there is no row {', '.join(unknown)}: --list prints them.")
    return options


def _print(versions: dict[str, str], findings: dict[str, dict[str, Finding]]) -> None:
    print("  ".join(f"{tool} {version}" for tool, version in versions.items()))
    for name, by in findings.items():
        print(f"\n{ROWS[name].title}  [{name}]")
        for tool, found in by.items():
            print(f"  {tool:<14} {found.result}{f'  ({found.note})' if found.note else ''}")


if __name__ == "__main__":
    sys.exit(main())
