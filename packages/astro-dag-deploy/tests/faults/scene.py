"""A deployment of two repositories, one of which changes again and again, and what is seen of both."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Never

import botocore.endpoint
import pytest
from astro_dag_deploy import main
from astro_dag_deploy.model.dag_deploy import DagDeploy
from astro_dag_deploy.model.target import Target
from astro_dag_deploy.utils import deployment_lock, http_session, resource_client
from astro_dag_deploy.utils.s3_client import S3Client
from clocks import Hurried, Shortened
from fault_proxy import FaultProxy
from stack import make_bucket

Files = Mapping[str, str]
OTHER: Files = {"users/dag.py": "U = 1\n", "users/q.sql": "select 1\n"}


@dataclass
class Invocation:
    """Lambda's context of an invocation that has some seconds left."""

    seconds: float = 100.0
    aws_request_id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


class _Shown(Exception):  # noqa: N818 - no failure
    def __init__(self, files: dict[str, str]):
        self.files = files


class _Looking:
    """The port to Astro, and the lock, of a reader that changes nothing."""

    def deploy(self, project: Path, **_: Any) -> Never:
        dags = project / "dags"
        raise _Shown(
            {
                path.relative_to(dags).as_posix(): path.read_text()
                for path in dags.rglob("*")
                if path.is_file()
            }
        )

    def renew(self) -> None:
        pass


def by_manifests(s3: S3Client, target: Target) -> dict[str, str]:
    """Return what a deploy would take to Astro now, assembled as every deploy does."""
    looking: Any = _Looking()
    try:
        DagDeploy(target, s3, looking, looking).deploy("", seconds=1, allow_empty=True)
    except _Shown as shown:
        return shown.files
    raise AssertionError("nobody was asked to deploy")


def let_time_pass(dynamodb: Any, table: str, seconds: float = 3600.0) -> None:
    """Have all leases run out, as if the time had passed: move all instants in the table back."""
    for item in dynamodb.scan(TableName=table)["Items"]:
        if item.get("status") == {"S": "COMPLETED"}:
            # It is remembered for a day, and holds nobody up.
            continue
        for name, value in item.items():
            if "N" in value:
                instant = Decimal(value["N"])
                unit = 1000 if instant > 10**11 else 1
                item[name] = {"N": str(instant - int(seconds * unit))}
        dynamodb.put_item(TableName=table, Item=item)


class Scene:
    """The repositories `orders`, which changes, and `users`, which does not.

    Attributes:
        cloud: the surroundings.
        proxy: what the calls of a deploy come by.
        number: of the set that `orders` has, which tells its sets apart.
    """

    def __init__(self, cloud: Any, aws: str):
        self.cloud = cloud
        self.proxy = FaultProxy(
            aws,
            cloud.astro.url,
            {cloud.target.deployment: "dep", cloud.bucket: "bucket", cloud.astro.organization: "org"},
        )
        self.number = 0
        self._storage = cloud.storage
        self._sources = f"{cloud.bucket}-sources"
        self._s3 = cloud.s3
        self._dynamodb = cloud.dynamodb

    @classmethod
    @contextmanager
    def of(cls, cloud: Any, aws: str) -> Iterator["Scene"]:
        """Set it, with a first set of each repository in Astro."""
        scene = cls(cloud, aws)
        make_bucket(scene._sources)
        with scene.proxy:
            for event in (cloud.event("users", OTHER), scene.next_event()):
                answer = scene.handle(event)
                assert answer["statusCode"] == 200, answer
            scene.assert_has(scene.files())
            yield scene

    def files(self, number: int | None = None) -> dict[str, str]:
        """Return a set: one file of it is as it was, two are changed, one is in place of another."""
        number = self.number if number is None else number
        return {
            "orders/same.py": "SAME = 1\n",
            "orders/changed.py": f"CHANGED = {number}\n",
            f"orders/only{number}.py": f"ONLY = {number}\n",
            "orders/query.sql": f"select {number}\n",
        }

    def next_event(self) -> dict[str, Any]:
        """Return the request of the next set; one of its files comes from S3."""
        self.number += 1
        files = self.files()
        path = "orders/changed.py"
        key = f"{self.number}/changed.py"
        self._s3.put_object(Bucket=self._sources, Key=key, Body=files[path].encode())
        event = self.cloud.event("orders", files, requestId=f"build-{self.number}")
        (dag,) = (dag for dag in event["body"]["dags"] if dag["dag_file"]["path"] == path)
        dag["dag_file"] = {"path": path, "source": f"s3://{self._sources}/{key}"}
        return event

    def environment(self) -> dict[str, str]:
        """Return the variables that have a function's calls come by the proxy."""
        return {"AWS_ENDPOINT_URL": self.proxy.aws, "ASTRO_API_URL": self.proxy.astro}

    @contextmanager
    def by_proxy(self) -> Iterator[None]:
        """Have the function, which is as if it had just been started, make its calls by the proxy."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.environment().items():
                patch.setenv(name, value)
            main._services.cache_clear()
            try:
                yield
            finally:
                main._services.cache_clear()

    def handle(self, event: dict[str, Any]) -> dict[str, Any]:
        """Carry a request out, without a wait between attempts."""
        with self.by_proxy(), pytest.MonkeyPatch.context() as patch:
            for module in (botocore.endpoint, deployment_lock, http_session, resource_client):
                patch.setattr(module, "time", Hurried())
            return main.handler(event, Invocation())

    @contextmanager
    def several(self) -> Iterator[None]:
        """Have several requests be carried out at once, in threads; who waits for the lock asks often."""
        with self.by_proxy(), pytest.MonkeyPatch.context() as patch:
            patch.setattr(deployment_lock, "time", Shortened)
            yield

    def calls(self) -> list[str]:
        """Return the calls of a deploy in which nothing goes wrong."""
        self.proxy.forget()
        event = self.next_event()
        answer = self.handle(event)
        assert answer["statusCode"] == 200, answer
        calls = list(self.proxy.calls)
        self.proxy.forget()
        return calls

    def let_time_pass(self, seconds: float = 3600.0) -> None:
        """Have all leases run out."""
        let_time_pass(self._dynamodb, self.cloud.table, seconds)

    def instants(self, attribute: str) -> list[float]:
        """Return the instants that the table has under a name."""
        items = self._dynamodb.scan(TableName=self.cloud.table)["Items"]
        return [float(item[attribute]["N"]) for item in items if attribute in item]

    def by_manifests(self) -> dict[str, str]:
        """Return what a reader of the bucket sees."""
        return by_manifests(self._storage, self.cloud.target)

    def assert_has(self, files: Files, other: Files = OTHER) -> None:
        """Require that bucket and Astro have this set, and that of the other repository."""
        assert self.by_manifests() == {**other, **files}
        assert self.cloud.bundle() == {**other, **files}

    def assert_whole(self, call: str, answer: Mapping[str, Any] | None) -> None:
        """Require the set before or that of now, in the bucket and in Astro each, and a true answer."""
        sets = [{**OTHER, **self.files(number)} for number in (self.number - 1, self.number)]
        seen, bundle = self.by_manifests(), self.cloud.bundle()
        assert seen in sets, (call, seen)
        assert bundle in sets, (call, bundle)
        if answer and answer["statusCode"] == 200:
            assert (seen, bundle) == (sets[1], sets[1]), (call, answer)
        if answer and answer["body"].get("uploaded"):
            assert seen == sets[1], (call, answer)

    def assert_recovers(self, call: str, event: dict[str, Any], *, anew: bool = False) -> None:
        """Require that the same request brings the set to bucket and Astro, or another of the same set."""
        self.proxy.forget()
        if anew:
            event = {**event, "requestId": f"{event['requestId']}-anew"}
        answer = self.handle(event)
        if answer["statusCode"] != 200:
            # What holds it up is a lease that nobody gave back.
            assert answer["body"]["error"] in ("in_progress", "busy"), (call, answer)
            assert answer["body"]["retry_after"], (call, answer)
            self.let_time_pass()
            answer = self.handle(event)
        assert answer["statusCode"] == 200, (call, answer)
        self.assert_has(self.files())
        if self.instants("expires_at"):
            # The request had been carried out, but for the lock.
            self.let_time_pass()
