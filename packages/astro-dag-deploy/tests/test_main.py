"""The handler as a whole: from an event to the DAGs that Astro has."""

import io
import json

import boto3
import pytest
from astro_dag_deploy import main
from astro_dag_deploy.errors import AstroError, SettingsError
from astro_dag_deploy.settings import Settings
from astro_program import install_astro
from surroundings import TOKEN, Context

DAG = "from airflow.sdk import DAG\n"


def test_a_set_is_stored_and_deployed(cloud):
    files = {"orders/pipeline.py": DAG, "orders/query.sql": "select 1"}
    answer = cloud.deploy("orders", files)
    assert answer["statusCode"] == 200, answer
    body = answer["body"]
    assert body["status"] == "deployed"
    assert body["repos"] == ["orders"]
    assert body["dags"] == ["orders.pipeline"]
    assert body["files"] == {"uploaded": 2, "unchanged": 0, "removed": 0, "deployed": 2}
    assert cloud.bundle() == files
    prefix = cloud.target.files_prefix("orders")
    assert cloud.storage.keys("dags/") == [prefix + path for path in sorted(files)]


def test_what_is_unchanged_is_not_sent_and_what_is_gone_is_removed(cloud):
    cloud.deploy("orders", {"a.py": "A = 1\n", "b.py": "B = 1\n", "c.py": "C = 1\n"})
    before = cloud.storage.latest("dags/")
    body = cloud.deploy("orders", {"a.py": "A = 1\n", "b.py": "B = 2\n"})["body"]
    assert body["files"] == {"uploaded": 1, "unchanged": 1, "removed": 1, "deployed": 2}
    assert cloud.bundle() == {"a.py": "A = 1\n", "b.py": "B = 2\n"}
    key = cloud.target.files_prefix("orders") + "a.py"
    assert cloud.storage.latest("dags/")[key] == before[key]


def test_every_repository_of_a_deployment_is_in_the_bundle(cloud):
    cloud.deploy("orders", {"orders/a.py": DAG})
    body = cloud.deploy("users", {"users/a.py": DAG})["body"]
    assert body["repos"] == ["orders", "users"]
    assert set(cloud.bundle()) == {"orders/a.py", "users/a.py"}


def test_what_another_repository_has_is_refused_and_changes_nothing(cloud):
    cloud.deploy("orders", {"shared.py": DAG, "orders/a.py": DAG})
    before = cloud.bundle()
    event = cloud.event("users", {"shared.py": "X = 1\n", "orders/a.py/x.txt": "", "orders.py": DAG})
    event["body"]["dags"][0]["dag_id"] = "orders.a"
    answer = main.handler(event, Context())
    assert answer["statusCode"] == 409
    assert answer["body"]["error"] == "conflict"
    assert answer["body"]["problems"] == [
        "DAG orders.a is one of repository orders already: Airflow would show only one of the two.",
        "DAG shared is one of repository orders already: Airflow would show only one of the two.",
        "shared.py is a file of repository orders already: put a repository's files into a folder of its "
        "own.",
        "orders/a.py is a file in one of users and orders, and a folder in the other.",
    ]
    assert cloud.bundle() == before
    assert cloud.storage.get(cloud.target.manifest_key("users")) is None


@pytest.mark.parametrize("hiding", ["orders", "users"])
def test_no_repository_hides_dags_of_another(cloud, hiding):
    files = {repo: {f"shared/{repo}.py": DAG} for repo in ("orders", "users")}
    files[hiding]["shared/.airflowignore"] = ".*"
    assert cloud.deploy("orders", files["orders"])["statusCode"] == 200
    answer = cloud.deploy("users", files["users"])
    assert answer["statusCode"] == 409
    assert "shared/.airflowignore would hide DAGs" in answer["body"]["problems"][0]
    assert cloud.bundle() == files["orders"]


def test_an_empty_set_is_refused_unless_asked_for_in_words(cloud):
    cloud.deploy("orders", {"orders/a.py": DAG})
    cloud.deploy("users", {"users/a.py": DAG})
    event = cloud.event("orders", {})
    answer = main.handler(event, Context())
    assert answer["statusCode"] == 400
    assert set(cloud.bundle()) == {"orders/a.py", "users/a.py"}
    event["body"]["remove_all"] = "remove every DAG of orders"
    answer = main.handler(event, Context())
    assert answer["statusCode"] == 200, answer
    assert answer["body"]["repos"] == ["users"]
    assert set(cloud.bundle()) == {"users/a.py"}
    event = cloud.event("users", {})
    event["body"]["remove_all"] = "remove every DAG of users"
    assert main.handler(event, Context())["statusCode"] == 200
    assert cloud.bundle() == {}


def test_a_file_that_does_not_compile_stops_all_and_is_named(cloud):
    cloud.deploy("orders", {"a.py": DAG})
    answer = cloud.deploy("orders", {"a.py": "def broken(:\n", "b.py": "1 +\n", "c.py": DAG})
    assert answer["statusCode"] == 400
    assert [problem.split(":")[0] for problem in answer["body"]["problems"]] == ["a.py", "b.py"]
    assert cloud.bundle() == {"a.py": DAG}


def test_more_than_is_allowed_together_is_refused(cloud, monkeypatch):
    monkeypatch.setenv("MAX_SET_BYTES", "1000")
    main._services.cache_clear()
    answer = cloud.deploy("orders", {"a.py": "A = 1\n", "b.txt": "x" * 1000})
    assert answer["statusCode"] == 400
    assert "1,006 bytes together, and 1,000 are allowed" in answer["body"]["problems"][0]


def test_a_deployment_that_is_not_served_is_refused(cloud):
    event = cloud.event("orders", {"a.py": DAG}) | {"astroDeployment": "another"}
    answer = main.handler(event, Context())
    assert (answer["statusCode"], answer["body"]["error"]) == (403, "not_allowed")
    assert cloud.storage.keys("") == []


def test_a_deployment_has_a_name_for_requests_and_ids_for_astro(cloud, monkeypatch):
    monkeypatch.setenv("ALLOWED_DEPLOYMENTS", f"sales/prod={cloud.target}, other/dev")
    main._services.cache_clear()
    event = cloud.event("orders", {"a.py": DAG}) | {"astroWorkspace": "sales", "astroDeployment": "prod"}
    answer = main.handler(event, Context())
    assert answer["statusCode"] == 200, answer
    assert cloud.bundle() == {"a.py": DAG}
    assert cloud.storage.keys("dags/") == ["dags/sales/prod/orders/a.py"]
    # By its ids it would be another deployment for the bucket, and each would replace the other's DAGs.
    assert cloud.deploy("orders", {"a.py": DAG})["statusCode"] == 403


def test_a_deployment_that_gets_another_name_keeps_its_dags(cloud, monkeypatch):
    cloud.deploy("users", {"users/a.py": DAG})
    monkeypatch.setenv("ALLOWED_DEPLOYMENTS", f"sales/prod={cloud.target}")
    main._services.cache_clear()
    event = cloud.event("orders", {"a.py": DAG}) | {"astroWorkspace": "sales", "astroDeployment": "prod"}
    answer = main.handler(event, Context())
    assert (answer["statusCode"], answer["body"]["error"]) == (500, "storage_failed")
    assert f"call it {cloud.target} again" in answer["body"]["message"]
    assert cloud.bundle() == {"users/a.py": DAG}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a/b=ws/dep,c/d=ws/dep", "two names for ws/dep"),
        ("a/b=ws/dep,ws/dep", "two names for ws/dep"),
        ("a/b=ws/dep,a/b=ws/other", "each once"),
        ("a/b=", "must be"),
        ("a/b=ws", "must be"),
        ("a/b/c", "must be"),
    ],
)
def test_two_names_for_one_deployment_are_refused(text, problem):
    variables = {
        "DAG_BUCKET": "b",
        "STATE_TABLE": "t",
        "ASTRO_TOKEN_SECRET": "s",
        "ALLOWED_DEPLOYMENTS": text,
    }
    with pytest.raises(SettingsError, match=problem):
        Settings.from_environment(variables)


def test_the_same_request_is_carried_out_once(cloud):
    event = cloud.event("orders", {"a.py": DAG}, requestId="build-7")
    first = main.handler(event, Context())
    deploys = len(cloud.astro.deploys(cloud.target.deployment))
    assert main.handler(event, Context()) == first
    assert len(cloud.astro.deploys(cloud.target.deployment)) == deploys
    other = cloud.event("orders", {"b.py": DAG}, requestId="build-7")
    answer = main.handler(other, Context())
    assert (answer["statusCode"], answer["body"]["error"]) == (422, "request_id_reused")
    # Of another repository it is another request.
    assert (
        main.handler(cloud.event("users", {"b.py": DAG}, requestId="build-7"), Context())["statusCode"] == 200
    )


def test_a_request_that_failed_can_be_made_again(cloud):
    event = cloud.event("orders", {"a.py": DAG}, requestId="build-7")
    cloud.astro.refuse_next(500, times=50)
    answer = main.handler(event, Context(seconds=12))
    assert (answer["statusCode"], answer["body"]["error"]) == (502, "astro_failed")
    assert answer["body"]["uploaded"] is True
    cloud.astro.refuse_next(500, times=0)
    assert main.handler(event, Context())["statusCode"] == 200
    assert cloud.bundle() == {"a.py": DAG}


def test_a_request_at_work_is_told_to_ask_again(cloud, monkeypatch):
    event = cloud.event("orders", {"a.py": DAG}, requestId="build-7")
    inner = []

    def again(*_):
        inner.append(main.handler(event, Context()))
        return {}

    with monkeypatch.context() as patch:
        patch.setattr(main, "_deploy", again)
        main.handler(event, Context())
    assert (inner[0]["statusCode"], inner[0]["body"]["error"]) == (409, "in_progress")
    assert inner[0]["body"]["retry_after"] == 5


def test_api_gateway_gets_its_form(cloud):
    event = {
        "httpMethod": "POST",
        "path": "/dags",
        "headers": {"idempotency-key": "build-7"},
        "queryStringParameters": {
            "astroWorkspace": cloud.target.workspace,
            "astroDeployment": cloud.target.deployment,
            "repo": "orders",
        },
        "requestContext": {"requestId": "gateway"},
        "body": json.dumps(cloud.event("orders", {"a.py": DAG})["body"]),
        "isBase64Encoded": False,
    }
    answer = main.handler(event, Context())
    assert answer["headers"] == {"Content-Type": "application/json"}
    assert answer["statusCode"] == 200
    body = json.loads(answer["body"])
    assert body["request_id"] == "build-7"
    assert cloud.bundle() == {"a.py": DAG}
    answer = main.handler(event | {"body": "{"}, Context())
    assert answer["statusCode"] == 400
    assert json.loads(answer["body"])["problems"]


def test_a_lost_manifest_stops_the_deploys_of_others(cloud):
    cloud.deploy("orders", {"orders/a.py": DAG})
    cloud.s3.delete_object(Bucket=cloud.bucket, Key=cloud.target.manifest_key("orders"))
    answer = cloud.deploy("users", {"users/a.py": DAG})
    assert (answer["statusCode"], answer["body"]["error"]) == (500, "storage_failed")
    assert "The manifest of orders is gone" in answer["body"]["message"]
    assert answer["body"]["uploaded"] is True
    assert set(cloud.bundle()) == {"orders/a.py"}
    assert cloud.deploy("orders", {"orders/a.py": DAG})["statusCode"] == 200
    assert set(cloud.bundle()) == {"orders/a.py", "users/a.py"}


@pytest.mark.parametrize("content", [b"{", b'{"repo": "other"}', b"[]"])
def test_a_damaged_manifest_stops_every_deploy(cloud, content):
    cloud.deploy("orders", {"orders/a.py": DAG})
    cloud.storage.put(cloud.target.manifest_key("orders"), content, "application/json")
    answer = cloud.deploy("users", {"users/a.py": DAG})
    assert answer["statusCode"] == 500
    assert "is damaged" in answer["body"]["message"]
    assert set(cloud.bundle()) == {"orders/a.py"}


def test_a_lost_version_of_a_file_stops_the_deploy(cloud):
    cloud.deploy("orders", {"orders/a.py": DAG})
    key = cloud.target.files_prefix("orders") + "orders/a.py"
    version = cloud.storage.latest(key)[key]
    cloud.s3.delete_object(Bucket=cloud.bucket, Key=key, VersionId=version)
    answer = cloud.deploy("users", {"users/a.py": DAG})
    assert "is not in the bucket as the manifest of orders names it" in answer["body"]["message"]
    assert set(cloud.bundle()) == {"orders/a.py"}
    # Its own next deploy puts it there anew, though the file is as it was.
    assert cloud.deploy("orders", {"orders/a.py": DAG})["statusCode"] == 200
    assert set(cloud.bundle()) == {"orders/a.py", "users/a.py"}


def test_what_lies_in_the_prefix_without_a_manifest_is_never_deployed(cloud):
    cloud.storage.put(cloud.target.files_prefix("ghost") + "ghost.py", b"", "text/x-python")
    cloud.storage.put(cloud.target.files_prefix("orders") + "half.py", b"", "text/x-python")
    cloud.deploy("orders", {"a.py": DAG})
    assert cloud.bundle() == {"a.py": DAG}
    assert cloud.storage.get(cloud.target.files_prefix("orders") + "half.py") is None


@pytest.fixture
def logs():
    """What is logged, which goes where standard output was when the logger was made."""
    handler = main.logger.registered_handler
    written = io.StringIO()
    before = handler.setStream(written)
    yield written
    handler.setStream(before)


def test_metrics_and_logs_tell_what_happened_and_no_secret(cloud, capfd, logs):
    event = cloud.event("orders", {"a.py": DAG}, requestId="build-7")
    main.handler(event, Context())
    cloud.deploy("orders", {"a.py": "1 +\n"})
    out, err = capfd.readouterr()
    assert TOKEN not in out + err + logs.getvalue()
    metrics = [json.loads(line) for line in out.splitlines()]
    assert [(next(key for key in line if "." in key)) for line in metrics] == [
        "parse.success", "parse.time", "deploy.success", "deploy.time", "parse.success", "parse.time",
    ]  # fmt: skip
    assert [line["parse.success"] for line in metrics if "parse.success" in line] == [[1.0], [0.0]]
    assert all(line["repo"] == "orders" and line["deployment"] == cloud.target.deployment for line in metrics)
    done, failed = map(json.loads, logs.getvalue().splitlines())
    assert done["request_id"] == "build-7"
    assert failed["code"] == "bad_request"
    assert "request_id" in failed


def test_a_token_for_each_workspace(cloud):
    secrets = boto3.client("secretsmanager")
    secrets.put_secret_value(SecretId=cloud.bucket, SecretString=json.dumps({cloud.target.workspace: TOKEN}))
    assert cloud.deploy("orders", {"a.py": DAG})["statusCode"] == 200
    secrets.put_secret_value(SecretId=cloud.bucket, SecretString=json.dumps({"another": TOKEN}))
    main._services.cache_clear()
    answer = cloud.deploy("orders", {"a.py": DAG})
    assert answer["statusCode"] == 500
    assert f"without a token for workspace {cloud.target.workspace}" in answer["body"]["message"]


@pytest.mark.parametrize(
    ("secret", "problem"),
    [
        (None, "cannot be read from Secrets Manager"),
        (" ", "is empty"),
        ("{", "is JSON without a token"),
        ('{"clworkspace": " "}', "is JSON without a token"),
    ],
)
def test_a_secret_without_a_token_is_told_and_not_shown(cloud, secret, problem):
    secrets = boto3.client("secretsmanager")
    if secret is None:
        secrets.delete_secret(SecretId=cloud.bucket, ForceDeleteWithoutRecovery=True)
    else:
        secrets.put_secret_value(SecretId=cloud.bucket, SecretString=secret)
    answer = cloud.deploy("orders", {"a.py": DAG})
    assert (answer["statusCode"], answer["body"]["error"]) == (500, "storage_failed")
    assert problem in answer["body"]["message"]
    assert cloud.astro.deploys(cloud.target.deployment) == []


def test_the_astro_cli_deploys_the_same(cloud, tmp_path, monkeypatch):
    monkeypatch.setenv("ASTRO_DEPLOYER", "cli")
    monkeypatch.setenv("ASTRO_CLI", str(install_astro(cloud.astro, tmp_path)))
    # The CLI reads in its token whose it is.
    secrets = boto3.client("secretsmanager")
    secrets.put_secret_value(SecretId=cloud.bucket, SecretString=cloud.astro.add_token())
    files = {"orders/pipeline.py": DAG, "orders/query.sql": "select 1"}
    answer = cloud.deploy("orders", files)
    assert answer["statusCode"] == 200, answer
    assert answer["body"]["astro_version"] == cloud.astro.version(cloud.target.deployment)
    assert cloud.bundle() == files


def test_a_failure_is_told_though_its_request_cannot_be_forgotten(cloud, monkeypatch):
    def fail(*_):
        cloud.dynamodb.delete_table(TableName=cloud.table)
        raise AstroError("Astro has a day off.")

    monkeypatch.setattr(main, "_deploy", fail)
    answer = cloud.deploy("orders", {"a.py": DAG})
    assert (answer["statusCode"], answer["body"]["message"]) == (502, "Astro has a day off.")


def test_a_success_that_cannot_be_remembered_is_not_told_as_one(cloud, monkeypatch):
    def carry_out(*_):
        cloud.dynamodb.delete_table(TableName=cloud.table)
        return {"status": "deployed"}

    monkeypatch.setattr(main, "_deploy", carry_out)
    answer = cloud.deploy("orders", {"a.py": DAG})
    assert (answer["statusCode"], answer["body"]["error"]) == (500, "storage_failed")
    assert "it is not known whether" in answer["body"]["message"]


def test_a_failure_it_does_not_know_is_an_answer_without_its_text(cloud, monkeypatch, capfd, logs):
    def fail(*_):
        raise RuntimeError(f"https://host/file?signature={TOKEN}")

    monkeypatch.setattr(main, "_deploy", fail)
    answer = cloud.deploy("orders", {"a.py": DAG})
    assert (answer["statusCode"], answer["body"]["error"]) == (500, "internal")
    out, err = capfd.readouterr()
    assert TOKEN not in out + err + logs.getvalue() + json.dumps(answer)
    assert "RuntimeError" in logs.getvalue()


def test_all_settings_that_are_missing_or_wrong_are_named():
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment(
            {"ALLOWED_DEPLOYMENTS": "x", "ASTRO_DEPLOYER": "ftp", "MAX_FILE_BYTES": "-1"}
        )
    wrong = ["ALLOWED_DEPLOYMENTS", "ASTRO_DEPLOYER", "MAX_FILE_BYTES"]
    for name in ["DAG_BUCKET", "STATE_TABLE", "ASTRO_TOKEN_SECRET", *wrong]:
        assert name in str(caught.value)


def test_without_settings_the_answer_says_so(monkeypatch):
    main._services.cache_clear()
    monkeypatch.delenv("DAG_BUCKET", raising=False)
    event = {
        "astroWorkspace": "ws",
        "astroDeployment": "dep",
        "repo": "orders",
        "body": {"dags": [{"dag_id": "a", "dag_file": {"path": "a.py", "text": ""}}]},
    }
    answer = main.handler(event, Context())
    assert (answer["statusCode"], answer["body"]["error"]) == (500, "settings")
    assert "DAG_BUCKET is not set" in answer["body"]["message"]
