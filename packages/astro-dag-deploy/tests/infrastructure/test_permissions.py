"""The role may do what the code does, on what the code does it to, and nothing else."""

import json
from fnmatch import fnmatchcase
from types import SimpleNamespace

import boto3
import pytest
from astro_dag_deploy import main
from stack import make_bucket

SENDER = "dags@mail.example.com"
ACCOUNT = "123456789012"


def of_bucket(action):
    return lambda call: [(action, f"arn:aws:s3:::{call['Bucket']}")]


def of_object(call, action):
    version = "Version" if call.get("VersionId") else ""
    return [(f"s3:{action}{version}", f"arn:aws:s3:::{call['Bucket']}/{call['Key']}")]


def of_table(action):
    return lambda call: [(action, f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/{call['TableName']}")]


def of_identities(call):
    # SES asks for the address or, where only that is verified, for its domain.
    names = [call["Source"], call["Source"].partition("@")[2]]
    return [("ses:SendEmail", f"arn:aws:ses:eu-west-1:{ACCOUNT}:identity/{name}") for name in names]


# What a call needs, https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html
NEEDS = {
    "s3.GetBucketVersioning": of_bucket("s3:GetBucketVersioning"),
    "s3.ListObjectsV2": of_bucket("s3:ListBucket"),
    "s3.ListObjectVersions": of_bucket("s3:ListBucketVersions"),
    "s3.GetObject": lambda call: of_object(call, "GetObject"),
    "s3.PutObject": lambda call: of_object(call, "PutObject"),
    "s3.DeleteObjects": lambda call: [
        need for item in call["Delete"]["Objects"] for need in of_object({**call, **item}, "DeleteObject")
    ],
    "dynamodb.PutItem": of_table("dynamodb:PutItem"),
    "dynamodb.UpdateItem": of_table("dynamodb:UpdateItem"),
    "dynamodb.DeleteItem": of_table("dynamodb:DeleteItem"),
    "secrets-manager.GetSecretValue": lambda call: [("secretsmanager:GetSecretValue", call["SecretId"])],
    "ses.SendEmail": of_identities,
}


def listed(value):
    return value if isinstance(value, list) else [value]


def grants(template, policy):
    """The pairs of an action and a resource, with the condition of each."""
    policies = {
        each["PolicyName"]: each["PolicyDocument"] for each in template.properties("DeployRole")["Policies"]
    }
    found = {}
    for statement in policies[policy]["Statement"]:
        assert statement["Effect"] == "Allow"
        for action in listed(statement["Action"]):
            for resource in listed(statement["Resource"]):
                assert (action, resource) not in found
                found[action, resource] = statement.get("Condition")
    return found


@pytest.fixture
def calls(monkeypatch):
    """The calls of AWS while `recording` is on."""
    session = boto3.Session()
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
    recorded = SimpleNamespace(recording=False, calls=[])

    def record(params, event_name, **_):
        if recorded.recording:
            recorded.calls.append((event_name.partition(".")[2], dict(params)))

    session.events.register("before-parameter-build", record)
    return recorded


@pytest.fixture
def installed(calls, cloud, monkeypatch, make_template):
    """The template with the names of a cloud, whose function has the environment of the template."""
    secret = boto3.client("secretsmanager").describe_secret(SecretId=cloud.bucket)["ARN"]
    table = f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/{cloud.table}"
    template = make_template(
        {
            "DagBucket": cloud.bucket,
            "DagBucket.Arn": f"arn:aws:s3:::{cloud.bucket}",
            "StateTable": cloud.table,
            "StateTable.Arn": table,
        },
        AllowedDeployments=str(cloud.target),
        SourceBuckets=f"{cloud.bucket}-other,{cloud.bucket}-sources",
        AstroDeployer="api",
        AstroOrganization=cloud.astro.organization,
        AstroApiUrl=cloud.astro.url,
        AstroTokenSecretArn=secret,
        MailFrom=SENDER,
        MailTo="team@mail.example.com",
    )
    for name, value in template.properties("DeployFunction")["Environment"]["Variables"].items():
        monkeypatch.setenv(name, str(value))
    for bucket in ("other", "sources"):
        make_bucket(f"{cloud.bucket}-{bucket}")
        cloud.s3.put_object(Bucket=f"{cloud.bucket}-{bucket}", Key="query.sql", Body=b"select 1")
    boto3.client("ses").verify_email_identity(EmailAddress=SENDER)
    main._services.cache_clear()
    return template


@pytest.fixture
def used(calls, cloud, installed):
    """All that the code does: deploys, the same again, and failures of all kinds."""

    def call(repo, files, status, *, seconds=300, sources=(), **more):
        event = cloud.event(repo, files, **more)
        if sources:
            event["body"]["dags"][0]["dependencies"] = [
                {"path": f"{repo}/{bucket}.sql", "source": f"s3://{cloud.bucket}-{bucket}/query.sql"}
                for bucket in sources
            ]
        if not files:
            event["body"]["remove_all"] = f"remove every DAG of {repo}"
        context = SimpleNamespace(
            aws_request_id=f"i{len(calls.calls)}", get_remaining_time_in_millis=lambda: seconds * 1000
        )
        calls.recording = True
        answer = main.handler(event, context)
        calls.recording = False
        assert answer["statusCode"] == status, answer

    call("orders", {"orders/a.py": "A = 1\n", "orders/b.py": "B = 1\n"}, 200, sources=("other", "sources"))
    # Another set, of which a file is gone.
    call("orders", {"orders/a.py": "A = 2\n"}, 200, requestId="build-17")
    call("orders", {"orders/a.py": "A = 2\n"}, 200, requestId="build-17")
    call("orders", {"orders/a.py": "A = 3\n"}, 422, requestId="build-17")
    call("orders", {"orders/a.py": "A = \n"}, 400)
    call("users", {"orders/a.py": "A = 1\n"}, 409)
    cloud.astro.refuse_next(500, times=50)
    call("users", {"users/a.py": "A = 1\n"}, 502, seconds=12)
    cloud.astro.refuse_next(500, times=0)
    call("users", {"users/a.py": "A = 1\n"}, 200)
    call("users", {}, 200)
    # A manifest that is lost, and the bucket's versions switched off.
    cloud.s3.delete_object(Bucket=cloud.bucket, Key=cloud.target.manifest_key("orders"))
    call("users", {"users/a.py": "A = 1\n"}, 500)
    cloud.s3.put_bucket_versioning(Bucket=cloud.bucket, VersioningConfiguration={"Status": "Suspended"})
    main._services.cache_clear()
    call("users", {"users/a.py": "A = 1\n"}, 500)
    return calls.calls


def test_the_role_may_do_what_the_code_does_and_nothing_else(installed, used):
    granted = grants(installed, "what-the-code-does")
    exercised = set()
    for operation, parameters in used:
        assert operation in NEEDS, f"{operation} is not in the table: write down what it needs"
        needs = NEEDS[operation](parameters)
        found = [
            (action, resource)
            for wanted, on in needs
            for action, resource in granted
            if action == wanted and fnmatchcase(on, resource)
        ]
        if operation != "ses.SendEmail":
            assert len(found) == len(needs), (operation, needs)
        else:
            assert set(found) == set(needs)
            for pair in found:
                assert granted[pair] == {"StringEquals": {"ses:FromAddress": parameters["Source"]}}
        exercised.update(found)
    assert exercised == granted.keys()
    assert {operation for operation, _ in used} == NEEDS.keys()


def test_nothing_is_granted_on_everything(installed):
    for policy in ("what-the-code-does", "what-lambda-does"):
        for action, resource in grants(installed, policy):
            assert "*" not in action
            assert not resource.startswith(("*", "arn:aws:s3:::*"))


def test_lambda_may_log_and_keep_what_failed(make_template):
    names = {"DeployLogGroup.Arn": "arn:log:*", "DeadLetters.Arn": "arn:dead"}
    assert set(grants(make_template(names), "what-lambda-does")) == {
        ("logs:CreateLogStream", "arn:log:*"),
        ("logs:PutLogEvents", "arn:log:*"),
        ("sqs:SendMessage", "arn:dead"),
    }


def test_what_is_not_used_is_not_granted(make_template):
    optional = {"kms:Decrypt", "ses:SendEmail"}
    bare = {action for action, _ in grants(make_template(), "what-the-code-does")}
    assert not optional & bare
    keys = [f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/{name}" for name in ("one", "two")]
    with_keys = grants(make_template(DecryptionKeyArns=",".join(keys)), "what-the-code-does")
    assert [resource for action, resource in with_keys if action == "kms:Decrypt"] == keys


def test_callers_may_call_and_nothing_else(make_template):
    template = make_template({"DeployApi": "api1", "DeployFunction.Arn": "arn:function"})
    statements = template.properties("CallerPolicy")["PolicyDocument"]["Statement"]
    endpoint = f"arn:aws:execute-api:eu-west-1:{ACCOUNT}:api1/v1/POST/dags"
    assert [(each["Action"], each["Resource"]) for each in statements] == [
        ("execute-api:Invoke", endpoint),
        ("lambda:InvokeFunction", "arn:function"),
    ]
    permission = template.properties("DeployApiPermission")
    assert (permission["Principal"], permission["SourceArn"]) == ("apigateway.amazonaws.com", endpoint)
    assert template.resolve(template.source["Outputs"]["Endpoint"]["Value"]).endswith("/v1/dags")
    assert json.dumps(template.source["Resources"]["DeployApi"]).count('"v1"') == 1
