"""Carries requests out in processes that can be killed, one after the other.

A program: for each line on its standard input, `{"environment", "event", "seconds"}`, it forks, prints
`{"pid"}`, and when the fork has ended `{"answer", "signal"}`. A fork costs no import; and this program has no
threads, whose locks a fork would copy in whatever state they are.
"""

import json
import os
import sys
import tempfile
import uuid
from types import SimpleNamespace

import boto3
from astro_dag_deploy import main, services
from astro_dag_deploy.utils import http_session
from botocore.config import Config

# On a busy machine a call that is late must not be taken for one that is lost, and made again.
services._CALLS = services._CALLS.merge(Config(connect_timeout=600, read_timeout=600))
http_session._CONNECT_SECONDS = http_session._READ_SECONDS = 600.0

# What is imported and read for a client's first call is kept, and its connection is not.
for service, first_call in {
    "s3": "list_buckets",
    "dynamodb": "list_tables",
    "secretsmanager": "list_secrets",
}.items():
    client = boto3.client(service)
    getattr(client, first_call)()
    client.close()


def carry_out(job):
    os.environ.update(job["environment"])
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    context = SimpleNamespace(
        aws_request_id=uuid.uuid4().hex, get_remaining_time_in_millis=lambda: int(job["seconds"] * 1000)
    )
    return main.handler(job["event"], context)


def say(words):
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


for line in sys.stdin:
    with tempfile.TemporaryFile("w+") as answer:
        pid = os.fork()
        if not pid:
            json.dump(carry_out(json.loads(line)), answer)
            answer.flush()
            os._exit(0)
        say({"pid": pid})
        _, status = os.waitpid(pid, 0)
        answer.seek(0)
        text = answer.read()
    say({"answer": json.loads(text or "null"), "signal": os.WTERMSIG(status)})
