"""What is done to a repository of a deployment touches no object of another, however alike their names."""

import itertools
import random
from dataclasses import replace

from astro_dag_deploy import main
from astro_dag_deploy.model.target import Target
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scene import Invocation

DEPLOYMENTS = ["dep", "dep1", "dep10", "dep-1", "dep1-", "DEP1"]
REPOSITORIES = ["repo", "repo1", "repo.x", "repo-x", "repo.json", "Repo", "dep1"]
NAMES = st.tuples(st.sampled_from(DEPLOYMENTS), st.sampled_from(REPOSITORIES))
OBJECTS = st.sets(
    st.tuples(NAMES, st.sampled_from(["a.py", "repo/a.py", "dep1/repo/a.py", "é.py", "a b.py"])),
    min_size=2,
    max_size=8,
)


def versions(client, bucket):
    """Return all versions and markers of the bucket, which has fewer than a page holds."""
    listing = client.list_object_versions(Bucket=bucket)
    assert not listing["IsTruncated"]
    entries = listing.get("Versions", []) + listing.get("DeleteMarkers", [])
    return {(entry["Key"], entry["VersionId"]) for entry in entries}


@settings(max_examples=25, derandomize=True, suppress_health_check=list(HealthCheck))
@given(objects=OBJECTS, data=st.data())
def test_clearing_hides_what_is_below_its_prefix_and_not_kept_and_nothing_else(cloud, objects, data):
    storage = cloud.storage
    client = cloud.s3
    for key in storage.keys(""):
        client.delete_object(Bucket=cloud.bucket, Key=key)
    keys = {Target("ws", deployment).files_prefix(repo) + path for (deployment, repo), path in objects}
    for key in keys:
        storage.put(key, b"", "text/plain")
    (deployment, repo), _ = data.draw(st.sampled_from(sorted(objects)))
    prefix = Target("ws", deployment).files_prefix(repo)
    own = {key for key in keys if key.split("/")[2:4] == [deployment, repo]}
    kept = data.draw(st.sets(st.sampled_from(sorted(keys))))
    assert storage.clear_prefix(prefix, keep=kept) == len(own - kept)
    assert set(storage.keys("")) == keys - (own - kept)


def test_a_deploy_writes_only_what_is_its_own(cloud, monkeypatch):
    client = cloud.s3
    targets = [
        Target(workspace, f"{cloud.bucket}{deployment}")
        for workspace, deployment in [*itertools.product(["ws"], DEPLOYMENTS), ("ws1", "dep11")]
    ]
    monkeypatch.setenv("ALLOWED_DEPLOYMENTS", ",".join(map(str, targets)))
    main._services.cache_clear()
    for target in targets:
        cloud.astro.add_deployment(target.deployment, workspace=target.workspace)
    chosen = random.Random(8)
    sets = {}
    before = versions(client, cloud.bucket)
    for number in range(18):
        target, repo = chosen.choice(targets), chosen.choice(REPOSITORIES)
        here = replace(cloud, target=target)
        files = {f"{repo}/{chosen.choice('abc')}.py": f"N = {number}\n" for _ in range(2)}
        answer = main.handler(here.event(repo, files), Invocation())
        assert answer["statusCode"] == 200, answer
        sets.setdefault(target, {})[repo] = files
        after = versions(client, cloud.bucket)
        assert before < after
        for key, _ in after - before:
            assert key.startswith(f"dags/{target}/{repo}/{repo}/") or key in (
                f"manifests/{target}/{repo}.json",
                f"deployments/{target}.json",
            )
        before = after
        assert here.bundle() == {path: text for each in sets[target].values() for path, text in each.items()}
