"""An Airflow that knows nothing of the one on this machine, S3, and the host of the archive."""

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from archive_host import ArchiveHost
from site_archive import pack_site

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

DAGS = Path(__file__).parents[2] / "dags"

# Airflow reads its settings when it is imported.
for _name in [name for name in os.environ if name.startswith(("AIRFLOW_", "AWS_"))]:
    del os.environ[_name]
_home = tempfile.TemporaryDirectory(prefix="airflow-", ignore_cleanup_errors=True)
os.environ |= {
    "AIRFLOW_HOME": _home.name,
    "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    # A busy machine may take longer to import the providers than files of dags/ have.
    "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "600",
    # Nothing but what a test gives leads to an account.
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


@pytest.fixture(scope="session")
def bag() -> "DagBag":
    """Return dags/ as Airflow reads it."""
    from airflow.dag_processing.dagbag import BundleDagBag

    return BundleDagBag(dag_folder=DAGS, bundle_path=DAGS, bundle_name="dags-folder")


@pytest.fixture(scope="session")
def database() -> None:
    """Airflow's metadata database, new and empty."""
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """Return the address of an S3 on loopback."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def s3_client(s3_server: str) -> Any:
    """Return a client of that S3, as making one takes long."""
    import boto3

    from stack_exchange.assets import BUCKET_REGION

    return boto3.client(
        "s3",
        endpoint_url=s3_server,
        region_name=BUCKET_REGION,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )


@pytest.fixture
def s3(s3_client: Any, s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a client of an S3 that has the bucket and nothing else, and lead Airflow there."""
    import requests

    from stack_exchange.assets import BUCKET, BUCKET_REGION

    requests.post(f"{s3_server}/moto-api/reset", timeout=300)
    connection = {
        "conn_type": "aws",
        "login": "testing",
        "password": "testing",
        "extra": {"endpoint_url": s3_server},
    }
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))
    # us-east-1 is no location, but the lack of one.
    if BUCKET_REGION == "us-east-1":
        s3_client.create_bucket(Bucket=BUCKET)
    else:
        location = {"LocationConstraint": BUCKET_REGION}
        s3_client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=location)
    return s3_client


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[ArchiveHost]:
    """The host of the archive of a site with 3 posts and 2 users, from which it is brought."""
    with ArchiveHost(pack_site(3, 2)).serve() as host:
        monkeypatch.setenv("STACK_EXCHANGE_ARCHIVE_URL", host.url)
        yield host


@pytest.fixture
def temp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that stands in for the pod's disk."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path
