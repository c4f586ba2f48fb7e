"""Brings the posts and users of a Stack Exchange site to S3, when its archive has changed."""

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import dag, task

from stack_exchange.alert import MAIL, SQUAD
from stack_exchange.assets import POSTS_ASSET, SITE, USERS_ASSET
from stack_exchange.pod import executor_config

# The archive, Posts.xml and Users.xml lie on the pod's disk at once.
DISK_GIB = 8

DOC = """
Downloads the archive of a Stack Exchange site, takes `Posts.xml` and `Users.xml` out of it and
uploads them to S3. Each then gets an asset event that says its `rows` and `bytes`, and the
`archive` and `checksum` it came from.

An archive that has not changed is not downloaded: the task is skipped, and there is no event. To
have it brought once more, delete one of the two objects.

A run that was cut off is completed by the next one: both objects are replaced and both events sent
unless both are there already. Each object is replaced at once, one after the other.

A download goes on where it was cut off, as long as the disk is the same. A task that is tried again
by the KubernetesExecutor has another pod with an empty disk, and begins anew.
"""


@dag(
    dag_id="produce_data_assets",
    description=f"Brings the posts and users of {SITE} to S3",
    doc_md=DOC,
    schedule="@daily",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={
        "owner": SQUAD,
        "retries": 3,
        "retry_delay": timedelta(minutes=5),
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(hours=1),
        "execution_timeout": timedelta(hours=3),
        "on_failure_callback": [MAIL],
    },
    tags=[SQUAD, "stack_exchange"],
)
def produce_data_assets() -> None:
    """One task, as the steps share a disk and tasks of the KubernetesExecutor do not."""

    @task(
        inlets=[POSTS_ASSET, USERS_ASSET],
        outlets=[POSTS_ASSET, USERS_ASSET],
        executor_config=executor_config(memory="512Mi", disk=f"{DISK_GIB}Gi"),
    )
    def land_archive(*, inlet_events: Any = None, outlet_events: Any = None) -> None:
        from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

        from stack_exchange.errors import RefusedError
        from stack_exchange.produce import bring

        try:
            landed = bring(most_bytes=DISK_GIB * 1024**3)
        except RefusedError as error:
            raise AirflowFailException(str(error)) from error
        told = {
            asset: [event.extra for event in inlet_events[asset].ascending(False).limit(1)]
            for asset in landed
        }
        # Not only what S3 has counts: a run may have died between the upload and its events.
        if all(told[asset] == [now.extra()] for asset, now in landed.items()):
            raise AirflowSkipException("The archive has not changed.")
        for asset, now in landed.items():
            outlet_events[asset].extra = now.extra()

    land_archive()


produce_data_assets()
