"""Carries one request out and says how much memory this process took.

A program: the request is JSON on its standard input, as a function gets it, and the variables are its own. It
prints `{"answer", "python", "imports", "clients", "peak"}`: the resident memory in MiB of Python alone, after
the imports, and after the clients were made, and the most there was until the end.
"""

import json
import os
import sys
import uuid
from pathlib import Path
from types import SimpleNamespace


# https://man7.org/linux/man-pages/man5/proc_pid_status.5.html; what getrusage has begins with the parent's.
def mebibytes(field):
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024


def main():
    before = mebibytes("VmRSS")
    from astro_dag_deploy import main

    imports = mebibytes("VmRSS")
    services = main._services()
    services.s3.require_versions()
    assert services.finished
    assert services._secrets
    clients = mebibytes("VmRSS")
    context = SimpleNamespace(aws_request_id=uuid.uuid4().hex, get_remaining_time_in_millis=lambda: 300_000)
    said = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    answer = main.handler(json.load(sys.stdin), context)
    report = {
        "answer": answer,
        "python": before,
        "imports": imports,
        "clients": clients,
        "peak": mebibytes("VmHWM"),
    }
    os.write(said, json.dumps(report).encode())


main()
