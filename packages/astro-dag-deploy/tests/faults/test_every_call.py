"""Each call of a deploy goes wrong in each way: bucket and Astro each have the set before or that after."""

import itertools
from types import SimpleNamespace

import boto3
import pytest
from astro_api import api_token
from astro_program import install_astro
from fault_proxy import Wrong, has_effect


def is_locking(call):
    """Whether a call may leave a lease behind that holds up the next request."""
    return call.startswith("DynamoDB")


def fail(scene, call, wrong, *, attempts=10**9):
    """Carry out the next request, whose call goes wrong in its first attempts; return request and answer."""
    event = scene.next_event()
    scene.proxy.forget()
    scene.proxy.rule = lambda name, attempt: wrong if name == call and attempt <= attempts else None
    answer = scene.handle(event)
    assert scene.proxy.attempts(call), f"{call} was not made"
    return event, answer


def test_the_calls_are_those_of_a_whole_deploy(scene):
    calls = scene.calls()
    assert len(calls) == len(set(calls))
    made = [call.rpartition(" #")[0] for call in calls]
    prefix = f"dags/{scene.cloud.target.workspace}/dep/orders/orders"
    assert sorted(name for name in made if name.startswith("S3 PUT")) == [
        f"S3 PUT {prefix}/changed.py",
        f"S3 PUT {prefix}/onlyN.py",
        f"S3 PUT {prefix}/query.sql",
        f"S3 PUT deployments/{scene.cloud.target.workspace}/dep.json",
        f"S3 PUT manifests/{scene.cloud.target.workspace}/dep/orders.json",
    ]
    for each in (
        "S3 GET N/changed.py",
        f"S3 GET {prefix}/same.py versionId=*",
        "S3 POST bucket delete",
        "DynamoDB PutItem lock",
        "DynamoDB DeleteItem lock",
        "DynamoDB PutItem request",
        "DynamoDB UpdateItem request",
        "secretsmanager GetSecretValue",
        "Astro PUT /storage/dep",
        "Astro POST /vN/organizations/org/deployments/dep/deploys/deployN/finalize",
    ):
        assert each in made, calls


@pytest.mark.parametrize("wrong", [Wrong.REFUSED, Wrong.RESET], ids=lambda wrong: wrong.name.lower())
def test_all_calls_that_fail_once_are_made_again(scene, wrong):
    calls = scene.calls()
    event = scene.next_event()
    scene.proxy.rule = lambda call, attempt: wrong if attempt == 1 else None
    answer = scene.handle(event)
    assert answer["statusCode"] == 200, answer
    assert [call for call in calls if scene.proxy.attempts(call) < 2] == []
    scene.assert_has(scene.files())


def test_a_call_whose_answer_is_lost_once_is_not_made_twice_in_effect(scene):
    for call in filter(has_effect, scene.calls()):
        event, answer = fail(scene, call, Wrong.LOST, attempts=1)
        scene.assert_whole(call, answer)
        if answer["statusCode"] != 200:
            # Whether it meets itself or another invocation with the same request cannot be told.
            assert call == "DynamoDB PutItem request #1", (call, answer)
            assert answer["body"]["error"] == "in_progress", (call, answer)
            scene.assert_recovers(call, event)
        scene.assert_has(scene.files())


def test_a_call_that_is_refused_for_good_leaves_whole_sets(scene):
    for call in scene.calls():
        event, answer = fail(scene, call, Wrong.REFUSED)
        scene.assert_whole(call, answer)
        scene.assert_recovers(call, event)


def test_a_call_whose_answers_are_all_lost_leaves_whole_sets(scene):
    for call in filter(has_effect, scene.calls()):
        event, answer = fail(scene, call, Wrong.LOST)
        scene.assert_whole(call, answer)
        scene.assert_recovers(call, event, anew=True)


def test_an_answer_that_ends_in_its_middle_leaves_whole_sets(scene):
    for call in scene.calls():
        if call.startswith("S3 GET"):
            event, answer = fail(scene, call, Wrong.CUT)
            scene.assert_whole(call, answer)
            scene.assert_recovers(call, event)


def test_a_request_that_is_refused_changes_nothing_whatever_goes_wrong_as_it_is_told(scene, monkeypatch):
    boto3.client("ses").verify_email_identity(EmailAddress="from@example.com")
    monkeypatch.setenv("MAIL_FROM", "from@example.com")
    monkeypatch.setenv("MAIL_TO", "team@example.com")
    bad = scene.cloud.event("orders", {"orders/broken.py": "1 +\n"}, requestId="broken")
    scene.proxy.forget()
    assert scene.handle(bad)["statusCode"] == 400
    calls = list(scene.proxy.calls)
    assert "SES SendEmail #1" in calls
    for call in calls:
        for wrong in Wrong:
            for attempts in (1, 10**9):
                scene.proxy.forget()
                scene.proxy.rule = lambda name, attempt: (
                    wrong if name == call and attempt <= attempts else None  # noqa: B023
                )
                answer = scene.handle({**bad, "requestId": f"{call}-{wrong}-{attempts}".replace(" ", "")})
                assert answer["body"]["status"] == "failed", (call, wrong, answer)
                assert answer["statusCode"] == 400 or is_locking(call), (call, wrong, answer)
    scene.proxy.forget()
    scene.assert_has(scene.files())


def test_a_call_of_the_cli_that_goes_wrong_leaves_whole_sets(scene, monkeypatch, tmp_path):
    target = scene.cloud.target
    token = api_token(scene.cloud.astro.organization, target.workspace)
    scene.cloud.astro.tokens.add(token)
    boto3.client("secretsmanager").put_secret_value(SecretId=scene.cloud.bucket, SecretString=token)
    monkeypatch.setenv("ASTRO_DEPLOYER", "cli")
    monkeypatch.setenv("ASTRO_CLI", str(install_astro(SimpleNamespace(url=scene.proxy.astro), tmp_path)))
    calls = [call for call in scene.calls() if call.startswith("Astro")]
    assert len(calls) >= 4, calls
    for call, wrong in itertools.product(calls, [Wrong.REFUSED, Wrong.LOST]):
        if wrong is Wrong.LOST and not has_effect(call):
            continue
        _, answer = fail(scene, call, wrong)
        scene.assert_whole(call, answer)
        assert answer["statusCode"] == 502, (call, wrong, answer)
        scene.calls()
        scene.assert_has(scene.files())
