"""Whatever fails, breaks and dies: no task runs its app twice, and no run of it is lost."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

TESTS = Path(__file__).parent
LANES = 6
# On the lowest Airflow that is supported it is enough to see that nothing is different.
SEEDS = range(200 if Version(version("apache-airflow")) >= Version("3.3") else 40)
STARTS = "POST .*/(submit|run-now|repair)$"

Json = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What one sequence left."""

    told: Json
    executions: list[tuple[str, int]]
    trace: list[Json]
    log: str

    @property
    def runs(self) -> list[Json]:
        """The runs of the API, the oldest first."""
        return sorted(self.told["runs"], key=lambda run: int(run["start_time"]))


@pytest.fixture(scope="module")
def storm(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Path]:
    """The folder in which all sequences that are to be looked at have run."""
    folder = tmp_path_factory.mktemp("storm") / "storm"
    # Who asks for one test waits for one sequence.
    ours = (item for item in request.session.items if item.path == request.path)
    asked = {item.callspec.params["seed"] for item in ours if isinstance(item, pytest.Function)}
    command = [sys.executable, "-m", "faults.storm", f"--folder={folder}", f"--lanes={LANES}"]
    process = subprocess.Popen([*command, *sorted(map(str, asked))], cwd=TESTS)
    try:
        assert process.wait(7200) == 0
        yield folder
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def outcome(storm: Path, seed: int) -> Outcome:
    """What the sequence of one seed left."""
    folder = storm / str(seed)
    lines = [json.loads(line) for line in (folder / "trace").read_text().splitlines()]
    # Seen when the test fails.
    said = [f"python -m faults.storm {seed}", (folder / "outcome.json").read_text(), *map(str, lines)]
    sys.stdout.write("\n".join(said))
    written = (folder / "executions").read_text() if (folder / "executions").exists() else ""
    executions = [(line.split()[0], int(line.split()[1])) for line in written.splitlines()]
    told = json.loads((folder / "outcome.json").read_text())
    return Outcome(told, executions, lines, (folder / "log").read_text())


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_done_twice_and_nothing_lost(outcome: Outcome) -> None:
    assert not outcome.told["crashes"]
    _never_two_at_once_nor_after_success(outcome)
    _what_airflow_says_is_so(outcome)
    _runs_are_known(outcome)
    _no_silence_loses_a_run(outcome)
    _what_a_person_ended_is_canceled(outcome)


def _never_two_at_once_nor_after_success(outcome: Outcome) -> None:
    """The app itself wrote down when it began and ended; the API's runs tell the same."""
    words = " ".join(word for word, _ in outcome.executions)
    assert re.fullmatch("((begin failure ?)*)(begin( success)?)?", words)
    runs = outcome.runs
    for earlier, later in pairwise(runs):
        assert earlier["end_time"] <= later["start_time"]
        assert earlier["state"]["result_state"] == "FAILED"
    assert {run_id for _, run_id in outcome.executions} <= {run["run_id"] for run in runs}
    if outcome.told["kind"] == "submit":
        assert words.count("begin") <= len(runs)


def _what_airflow_says_is_so(outcome: Outcome) -> None:
    told, runs = outcome.told, outcome.runs
    results = [run["state"]["result_state"] for run in runs]
    if told["state"] == "success":
        assert results.count("SUCCESS") == 1
        assert outcome.executions[-1] == ("success", runs[-1]["run_id"])
        assert told["xcoms"]["run_id"] == runs[-1]["run_id"]
        assert told["xcoms"]["run_page_url"] == runs[-1]["run_page_url"]
    else:
        assert told["state"] == "failed"
        if told["calm"] and not told["ended_by_a_person"]:
            # A failure that no fault excuses is one of the app, and of this try: a retry does try again.
            assert results[-1] == "FAILED"
            ended = [word for word, _ in outcome.executions if word != "begin"]
            assert len(ended) > told["executions_before"]


def _runs_are_known(outcome: Outcome) -> None:
    """A run is named in the log before the worker does anything else."""
    for place, line in enumerate(outcome.trace):
        answer = line.get("answer")
        if not isinstance(answer, dict) or "run_id" not in answer:
            continue
        later = [each for each in outcome.trace[place + 1 :] if each["process"] == line["process"]]
        if any(each["number"] > line["number"] for each in later):
            assert re.search(rf"[Rr]un {answer['run_id']}\b", outcome.log)


def _no_silence_loses_a_run(outcome: Outcome) -> None:
    """Once the last try knows its run, only a death can part what Airflow says from what became of it."""
    told = outcome.told
    last_try = outcome.trace[-1]["process"].partition(" of ")[2]
    lines = [line for line in outcome.trace if line["process"].endswith(last_try)]
    if told["ended_by_a_person"] or any("killed" in line and "worker" in line["process"] for line in lines):
        return
    asked = [line["answer"] for line in lines if re.match(STARTS, str(line.get("what")))]
    if told["state"] == "failed" and asked and isinstance(asked[-1], dict):
        assert outcome.runs[-1]["state"]["result_state"] == "FAILED"


def _what_a_person_ended_is_canceled(outcome: Outcome) -> None:
    for run in outcome.told["canceled"] or ():
        assert run["end_time"], "it still runs"
