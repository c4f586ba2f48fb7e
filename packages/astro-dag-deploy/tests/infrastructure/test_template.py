"""The template: valid by AWS's own tools, complete, and keeping what must not be lost."""

import importlib
import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from astro_dag_deploy.settings import Settings
from astro_dag_deploy.utils import deployment_lock
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer
from cfnlint.api import ManualArgs, lint

PACKAGE = Path(__file__).parents[2]
ALARMS = {
    "DeployFailed",
    "FunctionFailed",
    "FunctionThrottled",
    "FunctionSlow",
    "GatewayFailed",
    "InvocationLost",
}


@pytest.mark.parametrize("more", [[], ["--lint"]], ids=["translates", "lints"])
def test_sam_finds_it_valid(aws, tmp_path, more):
    environment = {**os.environ, "HOME": str(tmp_path), "SAM_CLI_TELEMETRY": "0"}
    command = [Path(sys.executable).with_name("sam"), "validate", "--template", "template.yml", *more]
    done = subprocess.run(command, capture_output=True, text=True, cwd=PACKAGE, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("form", ["as it is", "as CloudFormation gets it"])
def test_cfn_lint_finds_nothing(translated, form):
    text = (PACKAGE / "template.yml").read_text() if form == "as it is" else json.dumps(translated)
    found = lint(text, config=ManualArgs(regions=["eu-west-1"]))
    assert [str(match) for match in found] == []


def test_all_that_is_referred_to_exists(translated, walk):
    resources = translated["Resources"]
    known = {*resources, *translated["Parameters"], *(f"AWS::{name}" for name in (
        "AccountId", "NoValue", "Partition", "Region", "StackName", "URLSuffix"
    ))}  # fmt: skip
    seen = set()
    for place, value in walk(translated):
        match value:
            case {"Ref": name}:
                names = [name]
            case {"Fn::GetAtt": [name, *_]}:
                assert name in resources, place
                names = [name]
            case {"Fn::Sub": [text, more]}:
                names = [each for each in re.findall(r"\$\{([\w:]+)", text) if each not in more]
            case {"Fn::Sub": text}:
                names = re.findall(r"\$\{([\w:]+)", text)
            case {"Fn::If": [name, *_]}:
                assert name in translated["Conditions"], place
                continue
            case _:
                continue
        assert set(names) <= known, place
        seen.update(names)
    assert set(translated["Parameters"]) <= seen
    # The stage's role in the permission, and the integration's function, are in what was included.
    assert {"DeployFunction", "DeployApi"} <= seen


def test_the_transforms_make_one_stage_and_no_role(translated):
    kinds = [resource["Type"] for resource in translated["Resources"].values()]
    assert kinds.count("AWS::ApiGateway::Stage") == 1
    assert kinds.count("AWS::IAM::Role") == 2
    assert {"AccessLogRole", "DeployRole"} <= translated["Resources"].keys()


def test_what_must_not_be_lost_outlives_the_stack(template_source):
    for name in ("DagBucket", "DagBucketPolicy", "StateTable"):
        resource = template_source["Resources"][name]
        # It goes only with a stack whose own creation failed.
        assert resource["DeletionPolicy"] == "RetainExceptOnCreate"
        assert resource["UpdateReplacePolicy"] == "Retain"


def test_the_bucket_keeps_versions_and_lets_nobody_remove_them(make_template):
    template = make_template({"DagBucket.Arn": "arn:aws:s3:::dags"})
    bucket = template.properties("DagBucket")
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["BucketEncryption"]
    rules = bucket["LifecycleConfiguration"]["Rules"]
    actions = {key: rule[key] for rule in rules for key in rule.keys() - {"Id", "Status"}}
    # Nothing else: an Expiration or a Transition of current versions would touch what manifests name.
    assert actions == {
        "NoncurrentVersionExpiration": {"NoncurrentDays": 365, "NewerNoncurrentVersions": 100},
        "ExpiredObjectDeleteMarker": True,
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    }
    statements = template.properties("DagBucketPolicy")["PolicyDocument"]["Statement"]
    refused = {(each["Effect"], each["Action"], str(each.get("Condition"))) for each in statements}
    assert refused == {
        ("Deny", "s3:*", "{'Bool': {'aws:SecureTransport': 'false'}}"),
        ("Deny", "s3:DeleteObjectVersion", "None"),
    }
    assert all(each["Principal"] == "*" for each in statements)


def test_the_table_is_the_one_that_the_code_writes(make_template):
    table = make_template().properties("StateTable")
    store = inspect.signature(DynamoDBPersistenceLayer).parameters
    assert table["KeySchema"] == [{"AttributeName": store["key_attr"].default, "KeyType": "HASH"}]
    lives = table["TimeToLiveSpecification"]
    assert lives == {"AttributeName": store["expiry_attr"].default, "Enabled": True}
    assert f'"{lives["AttributeName"]}"' in inspect.getsource(deployment_lock)
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def test_the_environment_is_what_the_settings_read(make_template):
    template = make_template(
        AstroDeployer="api", AstroOrganization="org1", SourceHosts="a.example,b.example:8443"
    )
    given = {
        name: str(value)
        for name, value in template.properties("DeployFunction")["Environment"]["Variables"].items()
    }
    read = set()

    class Recorder(dict):
        def get(self, name, default=None):
            read.add(name)
            return super().get(name, default)

    settings = Settings.from_environment(Recorder(given))
    assert settings.source_hosts == {"a.example", "b.example:8443"}
    assert settings.dag_bucket == "DagBucket"
    powertools = {"LOG_LEVEL", "POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_SERVICE_NAME"}
    assert set(given) == read | powertools


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("ws1/dep1", True),
        ("ws1/dep1,sales/dev=ws1/dep2", True),
        ("ws1", False),
        ("ws1/dep1/x", False),
        ("ws1/dep1, ws1/dep2", False),
        ("sales=ws1/dep1", False),
    ],
)
def test_deployments_are_asked_for_as_the_settings_read_them(template_source, make_template, text, taken):
    pattern = template_source["Parameters"]["AllowedDeployments"]["AllowedPattern"]
    assert bool(re.search(pattern, text)) is taken
    if taken:
        template = make_template(AllowedDeployments=text)
        variables = template.properties("DeployFunction")["Environment"]["Variables"]
        found = Settings.from_environment({name: str(value) for name, value in variables.items()})
        assert len(found.allowed) == text.count(",") + 1


def test_the_handler_is_there(make_template):
    function = make_template().properties("DeployFunction")
    module, _, name = function["Handler"].rpartition(".")
    assert callable(getattr(importlib.import_module(module), name))
    assert function["Timeout"] == 300


@pytest.mark.parametrize(
    ("parameters", "broken"),
    [
        ({"AstroDeployer": "cli"}, ["CliNeedsItsProgram"]),
        ({"AstroDeployer": "cli", "AstroCliLayerArn": "arn"}, []),
        ({"AstroDeployer": "api"}, ["ApiNeedsAnOrganization"]),
        ({"AstroDeployer": "api", "AstroOrganization": "org1"}, []),
        (
            {"AstroDeployer": "api", "AstroOrganization": "org1", "MailTo": "a@b.example"},
            ["MailsNeedASender"],
        ),
    ],
)
def test_what_belongs_together_is_asked_for(make_template, parameters, broken):
    assert make_template(**parameters).broken_rules() == broken


def test_what_is_optional_is_left_out(make_template):
    bare = make_template().properties("DeployFunction")
    assert "Layers" not in bare
    assert bare["ReservedConcurrentExecutions"] == 10
    full = make_template(AstroCliLayerArn="arn:layer:1", ReservedConcurrency=-1).properties("DeployFunction")
    assert full["Layers"] == ["arn:layer:1"]
    assert "ReservedConcurrentExecutions" not in full


def test_every_alarm_tells_the_topic(make_template, template_source):
    names = {
        name
        for name, resource in template_source["Resources"].items()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    }
    assert names == ALARMS
    template = make_template({"DeadLetters.QueueName": "dead"}, AlarmTopicArn="arn:topic")
    silent = make_template({"DeadLetters.QueueName": "dead"})
    for name in names:
        alarm = template.properties(name)
        assert alarm["AlarmActions"] == ["arn:topic"]
        assert alarm["TreatMissingData"] == "notBreaching"
        assert "AlarmActions" not in silent.properties(name)


def test_alarms_read_the_metrics_that_there_are(make_template):
    template = make_template()
    variables = template.properties("DeployFunction")["Environment"]["Variables"]
    (query,) = template.properties("DeployFailed")["Metrics"]
    namespace = variables["POWERTOOLS_METRICS_NAMESPACE"]
    assert query["Expression"] == f'SELECT MIN("deploy.success") FROM "{namespace}"'
    (counted,) = template.properties("GatewayErrors")["MetricTransformations"]
    alarm = template.properties("GatewayFailed")
    assert (alarm["Namespace"], alarm["MetricName"]) == (counted["MetricNamespace"], counted["MetricName"])
    # The query takes all of its namespace.
    assert counted["MetricNamespace"] != namespace


def test_the_access_log_is_json_with_what_the_alarm_looks_for(make_template):
    template = make_template()
    line = template.properties("DeployApi")["AccessLogSetting"]["Format"]
    entry = json.loads(re.sub(r"\$context[\w.]+", "-", line))
    assert set(entry.values()) == {"-"}
    asked = set(re.findall(r"\$\.(\w+)", template.properties("GatewayErrors")["FilterPattern"]))
    assert asked == {"status", "gatewayResponse"}
    assert asked <= entry.keys()
