"""Whatever goes wrong in a first `make up`: the next one leaves what an undisturbed one leaves."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from stand_ins.machine import Fault, Machine

SECRETS = {"JWT_SECRET": "made-jwt-secret", "AIRFLOW_CONN_AWS_DEFAULT": "aws://id:made-key@/"}


def left_behind(machine: Machine) -> object:
    """All that `make up` leaves on a machine, without the values that are random."""
    build = machine.project / "build"
    clusters = {
        name: (
            cluster.ready,
            cluster.images,
            cluster.objects,
            {secret: sorted(data) for secret, data in cluster.secrets.items()},
            cluster.revisions[-1],
            cluster.pods,
        )
        for name, cluster in machine.state.clusters.items()
    }
    files = sorted(path.name for path in build.iterdir())
    return clusters, machine.state.contexts, sorted(machine.state.images), files


def disturbed_and_again(machine: Machine, fault: Fault, undisturbed: object) -> str:
    """Run `up` with a fault, and once more without; say what is wrong with that, if anything."""
    first = machine.run("up", SECRETS, fault=fault)
    # Some calls only ask, and an answer that is not had is as good as a no.
    expected = (130,) if fault.interrupt else (0, 1, 2)
    if first.code not in expected or (first.code != 0 and "error: " not in first.output):
        return f"{fault}: the first run ended with {first.code}:\n{first.output}"
    if any(secret in first.output for secret in SECRETS.values()):
        return f"{fault}: a secret is in the output:\n{first.output}"
    again = machine.run("up", SECRETS)
    if again.code != 0:
        return f"{fault}: the second run ended with {again.code}:\n{again.output}"
    if left_behind(machine) != undisturbed:
        return f"{fault}: it left {left_behind(machine)}\nin place of {undisturbed}"
    return ""


@pytest.mark.parametrize(
    ("interrupt", "after"), [(False, False), (True, False), (True, True)],
    ids=["failed", "interrupted-before", "interrupted-after"],
)  # fmt: skip
def test_each_call_of_a_first_run_goes_wrong_once(
    make_machine: Callable[[], Machine], interrupt: bool, after: bool
) -> None:
    machine = make_machine()
    run = machine.run("up", SECRETS)
    assert run.code == 0, run.output
    undisturbed = left_behind(machine)
    faults = [
        Fault(nth, interrupt, after)
        for nth, call in enumerate(run.calls)
        if call.mutates or not after
    ]
    assert len(faults) >= len(run.changes) > 10
    machines = [make_machine() for _ in faults]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        complaints = pool.map(disturbed_and_again, machines, faults, [undisturbed] * len(faults))
    assert "\n".join(filter(None, complaints)) == ""


def test_a_secret_that_is_cut_short_is_not_made(machine: Machine) -> None:
    base64 = machine.folder / "bin" / "base64"
    real = base64.readlink()
    base64.unlink()
    base64.write_text(f"#!/bin/sh\n{real} | head -c 4\nexit 1\n")
    base64.chmod(0o755)
    run = machine.run("up", SECRETS)
    assert run.code == 1
    (cluster,) = machine.state.clusters.values()
    assert set(cluster.secrets) == {"airflow-metadata"}
    base64.unlink()
    base64.symlink_to(real)
    assert machine.run("up", SECRETS).code == 0
