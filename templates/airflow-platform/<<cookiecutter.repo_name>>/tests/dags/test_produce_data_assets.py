"""The DAG that brings the archive, on a real Airflow: what is in S3 then, and which events."""

from collections.abc import Callable
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.models.asset import AssetEvent, AssetModel
from airflow.sdk import DAG
from airflow.utils.session import create_session

from archive_host import LIST_PATH, ArchiveHost
from site_archive import pack, pack_site, xml
from stack_exchange.assets import BUCKET, POSTS_ASSET, POSTS_KEY, USERS_ASSET, USERS_KEY
from stack_exchange.produce import bring

pytestmark = pytest.mark.usefixtures("database", "temp")

Event = dict[str, Any]


@pytest.fixture
def dag(bag: DagBag) -> DAG:
    return bag.dags["produce_data_assets"]


@pytest.fixture
def run(dag: DAG) -> Callable[[], str]:
    """Return what runs the DAG, and returns the state of its task."""

    def run() -> str:
        dag_run = dag.test(run_after=datetime.now(UTC), logical_date=None)
        (instance,) = dag_run.get_task_instances()
        return str(instance.state)

    return run


@pytest.fixture
def events() -> Callable[[], list[tuple[str, Event]]]:
    """Return what returns the events since it was last asked, in order of their uri."""
    seen: set[int] = set()

    def new() -> list[tuple[str, Event]]:
        with create_session() as session:
            found = session.query(AssetEvent.id, AssetModel.uri, AssetEvent.extra).join(
                AssetModel, AssetModel.id == AssetEvent.asset_id
            )
            fresh = [row for row in found if row[0] not in seen]
            seen.update(row[0] for row in fresh)
            return sorted(((uri, extra) for _, uri, extra in fresh), key=itemgetter(0))

    new()
    return new


def objects(s3: Any) -> dict[str, bytes]:
    keys = [found["Key"] for found in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]
    return {key: s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys}


def test_both_objects_come_with_their_events(
    run: Callable[[], str], events: Callable[[], Any], s3: Any, host: ArchiveHost, temp: Path
) -> None:
    assert run() == "success"
    assert objects(s3) == {POSTS_KEY: xml("posts", 3), USERS_KEY: xml("users", 2)}
    origin = {"archive": host.url, "checksum": f"sha1:{host.listed['sha1']}"}
    assert events() == [
        (POSTS_ASSET.uri, {**origin, "rows": 3, "bytes": len(xml("posts", 3))}),
        (USERS_ASSET.uri, {**origin, "rows": 2, "bytes": len(xml("users", 2))}),
    ]
    assert not [path for path in temp.rglob("*") if path.is_file()]


def test_an_archive_that_has_not_changed_is_not_downloaded_and_has_no_event(
    run: Callable[[], str], events: Callable[[], Any], s3: Any, host: ArchiveHost
) -> None:
    run()
    events()
    before = s3.head_object(Bucket=BUCKET, Key=POSTS_KEY)
    host.asked.clear()
    assert run() == "skipped"
    assert events() == []
    assert [path for path, _ in host.asked] == [LIST_PATH]
    assert s3.head_object(Bucket=BUCKET, Key=POSTS_KEY)["LastModified"] == before["LastModified"]


def test_a_run_that_died_before_its_events_is_completed_without_a_download(
    run: Callable[[], str], events: Callable[[], Any], s3: Any, host: ArchiveHost
) -> None:
    bring(most_bytes=10**9)
    host.asked.clear()
    assert run() == "success"
    assert [(uri, extra["rows"]) for uri, extra in events()] == [
        (POSTS_ASSET.uri, 3),
        (USERS_ASSET.uri, 2),
    ]
    assert [path for path, _ in host.asked] == [LIST_PATH]
    assert set(objects(s3)) == {POSTS_KEY, USERS_KEY}


def test_an_archive_that_is_refused_fails_the_task_at_once(
    run: Callable[[], str], events: Callable[[], Any], s3: Any, host: ArchiveHost
) -> None:
    host.replace(pack(("Posts.xml", xml("posts", 3))))
    # Not up_for_retry, though the task has tries left.
    assert run() == "failed"
    assert events() == []
    assert objects(s3) == {}


def test_an_archive_that_has_changed_is_brought_again(
    run: Callable[[], str], events: Callable[[], Any], s3: Any, host: ArchiveHost
) -> None:
    run()
    events()
    host.replace(pack_site(4, 2))
    assert run() == "success"
    assert objects(s3)[POSTS_KEY] == xml("posts", 4)
    assert [(uri, extra["rows"]) for uri, extra in events()] == [
        (POSTS_ASSET.uri, 4),
        (USERS_ASSET.uri, 2),
    ]
