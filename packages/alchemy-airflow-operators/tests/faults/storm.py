"""Sends tasks through their sequences of faults, and tells of each what happened."""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence as Many
from pathlib import Path

from faults.sequence import Sequence, draw


def main() -> None:
    """Run the sequences of the seeds on the command line; each leaves ``outcome.json`` in its own folder."""
    parser = argparse.ArgumentParser(prog="python -m faults.storm", description=__doc__)
    parser.add_argument("seeds", nargs="+", type=int)
    parser.add_argument("--lanes", type=int, default=1, metavar="N", help="run N sequences at a time")
    parser.add_argument("--folder", type=Path, help="where all is left; by default it is printed and gone")
    options = parser.parse_args()
    folder = (options.folder or Path(tempfile.mkdtemp(prefix="storm-"))).absolute()
    try:
        _storm(folder, [draw(seed) for seed in options.seeds], options.lanes)
        if not options.folder:
            for outcome in sorted(folder.glob("*/outcome.json")):
                sys.stdout.write(json.dumps(json.loads(outcome.read_text()), indent=2) + "\n")
    finally:
        if not options.folder:
            shutil.rmtree(folder)


def _storm(folder: Path, sequences: Many[Sequence], lanes: int) -> None:
    home = folder / "airflow"
    home.mkdir(parents=True)
    # Airflow reads these while it is imported.
    os.environ |= {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "True",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
    }
    from airflow.utils.db import initdb

    from faults import airflow_parts
    from faults.lane import run_lane

    initdb()
    airflow_parts.prepare()
    pids: list[int] = []

    def end_lanes(*_: object) -> None:
        for pid in pids:
            os.kill(pid, signal.SIGTERM)

    signal.signal(signal.SIGTERM, end_lanes)
    for number in range(min(lanes, len(sequences))):
        pid = os.fork()
        if not pid:
            run_lane(folder, number, sequences[number::lanes])
            os._exit(0)
        pids.append(pid)
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    if any(codes):
        sys.exit(f"The storm broke off: its lanes ended with {codes}.")


if __name__ == "__main__":
    main()
