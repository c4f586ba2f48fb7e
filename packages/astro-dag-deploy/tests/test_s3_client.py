"""The bucket: versions, conditions, and a clearing that cannot clear too much."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from astro_dag_deploy.errors import ConflictError, StorageError
from astro_dag_deploy.utils import s3_client
from astro_dag_deploy.utils.s3_client import S3Client, in_parallel

PREFIX = "dags/ws/dep1/repo/"


def test_a_version_is_read_whatever_came_after_it(cloud):
    first = cloud.storage.put("a", b"1", "text/plain")
    second = cloud.storage.put("a", b"2", "text/plain")
    assert cloud.storage.get("a", first).content == b"1"
    assert cloud.storage.get("a").content == b"2"
    assert cloud.storage.latest("a") == {"a": second}


def test_what_is_not_there_is_none_and_a_bucket_that_is_not_there_an_error(cloud):
    assert cloud.storage.get("nothing") is None
    with pytest.raises(StorageError, match="Could not read s3://no-such-bucket/key: NoSuchBucket"):
        S3Client("no-such-bucket", cloud.s3).get("key")


def test_a_bucket_without_versions_is_refused(cloud):
    cloud.s3.put_bucket_versioning(Bucket=cloud.bucket, VersioningConfiguration={"Status": "Suspended"})
    with pytest.raises(StorageError, match="keeps no versions"):
        cloud.storage.require_versions()


def test_a_replacement_meets_what_it_saw_or_nothing(cloud):
    cloud.storage.replace("m", b"1", "text/plain", seen=None)
    seen = cloud.storage.get("m")
    with pytest.raises(ConflictError):
        cloud.storage.replace("m", b"other", "text/plain", seen=None)
    cloud.storage.replace("m", b"2", "text/plain", seen=seen)
    with pytest.raises(ConflictError):
        cloud.storage.replace("m", b"3", "text/plain", seen=seen)
    assert cloud.storage.get("m").content == b"2"


def test_a_replacement_that_is_sent_again_meets_itself(cloud):
    cloud.storage.replace("m", b"1", "text/plain", seen=None)
    cloud.storage.replace("m", b"1", "text/plain", seen=None)
    assert len(cloud.s3.list_object_versions(Bucket=cloud.bucket, Prefix="m")["Versions"]) == 1


def test_clearing_hides_what_is_stale_in_one_repository_and_keeps_its_versions(cloud):
    kept = ["dags/ws/dep1/repository/x.py", "dags/ws/dep10/repo/x.py", PREFIX + "kept.py"]
    stale = [f"{PREFIX}{number}.py" for number in range(3)]
    for key in kept + stale:
        cloud.storage.put(key, b"x", "text/plain")
    assert cloud.storage.clear_prefix(PREFIX, keep={PREFIX + "kept.py"}) == 3
    assert cloud.storage.keys("dags/") == sorted(kept)
    versions = cloud.s3.list_object_versions(Bucket=cloud.bucket, Prefix=PREFIX)
    assert {entry["Key"] for entry in versions["Versions"]} == {PREFIX + "kept.py", *stale}


@pytest.mark.parametrize(
    "prefix",
    [
        "",
        "/",
        "dags/",
        "dags/ws/",
        "dags/ws/dep1/",
        "dags/ws/dep1/repo",
        "dags/ws//repo/",
        "manifests/ws/dep1/repo/",
        PREFIX + "sub/",
    ],
)
def test_nothing_but_the_prefix_of_one_repository_can_be_cleared(cloud, prefix):
    cloud.storage.put(PREFIX + "a.py", b"x", "text/plain")
    with pytest.raises(ValueError, match="not the prefix of a repository"):
        cloud.storage.clear_prefix(prefix)
    assert cloud.storage.keys("dags/") == [PREFIX + "a.py"]


def test_more_is_listed_and_cleared_than_one_page_holds(cloud, monkeypatch):
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "2")
    monkeypatch.setattr(s3_client, "_DELETED_AT_ONCE", 2)
    keys = [f"{PREFIX}{number}.py" for number in range(5)]
    in_parallel(lambda key: cloud.storage.put(key, b"x", "text/plain"), keys)
    assert len(cloud.s3.list_objects_v2(Bucket=cloud.bucket)["Contents"]) == 2
    assert cloud.storage.keys(PREFIX) == keys
    assert list(cloud.storage.latest(PREFIX)) == keys
    assert cloud.storage.clear_prefix(PREFIX) == 5
    assert cloud.storage.keys(PREFIX) == []


def test_in_parallel_keeps_the_order_and_ends_at_the_first_failure(monkeypatch):
    assert in_parallel(lambda number: number * 2, range(50)) == list(range(0, 100, 2))
    begun = []
    ending = threading.Event()

    class Pool(ThreadPoolExecutor):
        def shutdown(self, wait=True, *, cancel_futures=False):
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            ending.set()
            super().shutdown(wait=wait)

    def fail(number):
        begun.append(number)
        # What goes on until the end is known leaves no time to begin all of them.
        assert number == 0 or ending.wait(600)
        raise StorageError(f"number {number}")

    monkeypatch.setattr(s3_client, "ThreadPoolExecutor", Pool)
    with pytest.raises(StorageError, match="number 0"):
        in_parallel(fail, range(10_000))
    assert len(begun) <= s3_client.PARALLEL + 1
