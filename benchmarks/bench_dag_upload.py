"""astro-dag-deploy: 1,000 DAG files to the bucket and to Astro, as it is built against the same one by one.

The bucket is moto's, in a process of its own, and each of its answers waits as long as one of S3 takes. The
times without that wait are printed, too: they are what the client and moto themselves take on this machine.
"""

import contextlib
import io
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

from timing import REPOSITORY, report

FILES = 1_000
CHANGED = 10
# What a small object takes from within its region.
LATENCY = 0.020
ALLOWED = 0.3
WORKSPACE, TOKEN = "workspace1", "token"
TEXT = "def step_{0}(context):\n    return context['ti'].xcom_pull(task_ids='step_{0}')\n"
BODY = "".join(TEXT.format(number) for number in range(60))


def serve(latency: float) -> None:
    """Be AWS, and print the port."""
    from moto.moto_server.werkzeug_app import (
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import make_server

    application = DomainDispatcherApplication(create_backend_app)

    def late(environ: dict, start_response: Callable) -> object:
        time.sleep(latency)
        return application(environ, start_response)

    server = make_server("127.0.0.1", 0, late, threaded=True, request_handler=MotoRequestHandler)
    print(server.server_port, flush=True)
    server.serve_forever()


@contextlib.contextmanager
def aws(latency: float) -> Iterator[None]:
    """Have AWS run, and this process talk to it."""
    command = [sys.executable, __file__, str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{server.stdout.readline().strip()}"
        try:
            yield
        finally:
            server.kill()


def make_surroundings(astro: object, deployments: list[str]) -> None:
    """Make bucket, table and secret, and set the function's variables."""
    import boto3

    boto3.client("s3").create_bucket(
        Bucket="bucket1", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    boto3.client("s3").put_bucket_versioning(Bucket="bucket1", VersioningConfiguration={"Status": "Enabled"})
    boto3.client("dynamodb").create_table(
        TableName="table1",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    boto3.client("secretsmanager").create_secret(Name="secret1", SecretString=TOKEN)
    for deployment in deployments:
        astro.add_deployment(deployment, workspace=WORKSPACE, token=TOKEN)
    os.environ |= {
        "DAG_BUCKET": "bucket1",
        "STATE_TABLE": "table1",
        "ALLOWED_DEPLOYMENTS": ",".join(f"{WORKSPACE}/{deployment}" for deployment in deployments),
        "ASTRO_DEPLOYER": "api",
        "ASTRO_API_URL": astro.url,
        "ASTRO_ORGANIZATION": astro.organization,
        "ASTRO_TOKEN_SECRET": "secret1",
    }


def event(deployment: str, changed: int, turn: str) -> dict:
    """Return a request of 1,000 files, the first of which are other than those of another turn."""
    return {
        "astroWorkspace": WORKSPACE,
        "astroDeployment": deployment,
        "repo": "orders",
        "requestId": f"{deployment}-{turn}",
        "body": {
            "dags": [
                {
                    "dag_id": f"dag_{number}",
                    "dag_file": {
                        "path": f"orders/dag_{number}.py",
                        "text": f"N = {number}\nTURN = {turn if number < changed else ''!r}\n{BODY}",
                    },
                }
                for number in range(FILES)
            ]
        },
    }


def upload(request: dict) -> float:
    """Return the seconds that the upload alone takes."""
    from astro_dag_deploy import main
    from astro_dag_deploy.event import read_event
    from astro_dag_deploy.model.dag_upload import DagUpload
    from astro_dag_deploy.model.target import Target

    services = main._services()
    carried = DagUpload(
        read_event(request, "invocation1"), services.s3, services.resources, max_set_bytes=2**25
    )
    carried.download_resources()
    lock = services.lock(Target(WORKSPACE, request["astroDeployment"]), 900)
    with lock.held(0):
        begun = time.perf_counter()
        carried.upload_dag(lock)
        return time.perf_counter() - begun


class Context:
    aws_request_id = "invocation1"

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


def deploy(request: dict) -> float:
    """Return the seconds that a whole request takes."""
    from astro_dag_deploy import main

    with contextlib.redirect_stdout(io.StringIO()):
        begun = time.perf_counter()
        answer = main.handler(request, Context())
        took = time.perf_counter() - begun
    if answer["statusCode"] != 200:
        raise SystemExit(f"error: {answer}")
    return took


def measure(latency: float) -> dict[str, dict[str, float]]:
    """Return seconds by what was done and how."""
    from astro_api import AstroApi
    from astro_dag_deploy import main
    from astro_dag_deploy.utils import s3_client

    built = s3_client.PARALLEL
    ways = {f"as built, {built} at a time": built, "one by one": 1}
    took: dict[str, dict[str, float]] = {}
    with aws(latency), AstroApi() as astro:
        make_surroundings(astro, [f"dep{parallel}" for parallel in ways.values()])
        main._services.cache_clear()
        for way, parallel in ways.items():
            s3_client.PARALLEL = parallel
            deployment = f"dep{parallel}"
            for what, seconds in {
                f"First upload of {FILES:,} files": upload(event(deployment, 0, "a")),
                f"Upload of {FILES:,} files of which {CHANGED} changed": upload(
                    event(deployment, CHANGED, "b")
                ),
                f"A whole deploy of {FILES:,} files of which {CHANGED} changed": deploy(
                    event(deployment, CHANGED, "c")
                ),
            }.items():
                took.setdefault(what, {})[way] = seconds
            if len(astro.bundle(deployment)) != FILES:
                raise SystemExit("error: Astro does not have all files")
        s3_client.PARALLEL = built
    return took


def main() -> int:
    """Print the times and ratios; exit 1 when the promised one does not hold."""
    sys.path.insert(0, str(REPOSITORY / "packages" / "astro-dag-deploy" / "tests" / "standins"))
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "LOG_LEVEL": "ERROR",
    }
    holds = []
    for latency in (LATENCY, 0.0):
        print(f"Each answer of AWS {latency * 1000:.0f} ms late{'' if latency else ' (not promised)'}")
        for what, seconds in measure(latency).items():
            ours, theirs = seconds
            if latency and what.startswith("First"):
                holds.append(report(what, ours, theirs, seconds, ALLOWED))
            else:
                print(what)
                for way in seconds:
                    print(f"    {way:<44} {seconds[way] * 1000:8.0f} ms")
                print(f"    ratio {seconds[ours] / seconds[theirs]:.2f}")
    return not all(holds)


if __name__ == "__main__":
    if sys.argv[1:]:
        serve(float(sys.argv[1]))
    sys.exit(main())
