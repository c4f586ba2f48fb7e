"""Hands requests to the deploy function as Lambda does, and prints its answers and what Astronomer has then.

    .venvs/lambda/bin/python tests/template/astro_deploy.py <requests.json

AWS is moto's server, Astronomer the loopback API of the function's own tests.
"""

import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "packages" / "astro-dag-deploy" / "tests" / "standins"))

import pytest  # noqa: E402
from astro_api import AstroApi  # noqa: E402
from astro_dag_deploy.main import handler  # noqa: E402
from astro_dag_deploy.model.target import Target  # noqa: E402
from moto.server import ThreadedMotoServer  # noqa: E402
from surroundings import Cloud, Context, make_surroundings  # noqa: E402


def main() -> None:
    """Deploy the requests of a list, all for one deployment."""
    events = json.load(sys.stdin)
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    os.environ |= {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "POWERTOOLS_SERVICE_NAME": "astro-dag-deploy",
    }
    with AstroApi() as astro, pytest.MonkeyPatch.context() as patch:
        target = Target(events[0]["astroWorkspace"], events[0]["astroDeployment"])
        cloud = Cloud(bucket="dags", table="state", target=target, astro=astro)
        make_surroundings(cloud, patch)
        answers = [handler(event, Context()) for event in events]
        json.dump({"answers": answers, "bundle": cloud.bundle()}, sys.stdout)
    server.stop()


if __name__ == "__main__":
    main()
