"""Mails about failures, as SES has them."""

import json
import logging
import uuid
from urllib.request import urlopen

import boto3
import pytest
from astro_dag_deploy.utils.email_client import EmailClient
from botocore.config import Config

DAG = {
    "dag_id": "medallion",
    "dag_file": {"path": "orders/medallion.py", "text": "PASSWORD = 'x'"},
    "contact_email": "owner@example.com",
    "squad_name": "orders",
    "alert_slack_channel": "#orders",
    "repo": "orders-dags",
    "workspace": "workspace1",
    "deployment": "deployment1",
    "request_id": "build-7",
    "error": "bad_request",
    "message": "The request has one problem: nothing was changed.",
    "problems": ["orders/medallion.py: line 3: invalid syntax"],
}


@pytest.fixture
def sender(aws):
    address = f"{uuid.uuid4().hex}@example.com"
    boto3.client("ses").verify_email_identity(EmailAddress=address)
    return address


@pytest.fixture
def sent(aws, sender):
    """Return the mails of this test."""

    def read():
        with urlopen(f"{aws}/moto-api/data.json") as answer:
            messages = json.load(answer)["ses"].get("Message", [])
        return [message for message in messages if message["source"] == sender]

    return read


@pytest.fixture
def email(sender):
    return EmailClient(sender, ["platform@example.com", "on-call@example.com"], boto3.client("ses"))


def warnings(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def test_the_recipients_and_the_contact_are_told(email, sent):
    email.email_failure(DAG, "prod")
    assert [mail["destinations"]["ToAddresses"] for mail in sent()] == [
        ["platform@example.com", "on-call@example.com"],
        ["owner@example.com"],
    ]
    assert {mail["subject"] for mail in sent()} == {"[prod] DAG medallion was not deployed to deployment1"}
    assert [mail["body"] for mail in sent()] == [
        """\
The request has one problem: nothing was changed.

Repository: orders-dags
Workspace: workspace1
Deployment: deployment1
Request: build-7
Error: bad_request
Environment: prod

DAGs:
- medallion (contact owner@example.com, squad orders, Slack channel #orders)

Problems:
- orders/medallion.py: line 3: invalid syntax
"""
    ] * 2


def test_a_contact_that_is_a_recipient_is_told_once(email, sent):
    email.email_failure(DAG | {"contact_email": "on-call@example.com"}, "dev")
    assert len(sent()) == 1


def test_a_dag_of_which_little_is_known_is_told_of(email, sent):
    email.email_failure({"dag_id": "medallion", "contact_email": None, "problems": None}, "dev")
    [mail] = sent()
    assert mail["subject"] == "[dev] DAG medallion was not deployed to ?"
    assert mail["body"] == "The deploy failed.\n\nEnvironment: dev\n\nDAGs:\n- medallion\n"


def request(*dags):
    failure = {name: DAG[name] for name in ("repo", "workspace", "deployment", "message")}
    return failure | {"uploaded": True, "problems": [], "dags": list(dags)}


def test_each_contact_is_told_of_its_own_dags_and_the_recipients_of_all(email, sent):
    orders = {"dag_id": "orders", "contact_email": "a@example.com"}
    refunds = {"dag_id": "refunds", "contact_email": "a@example.com"}
    users = {"dag_id": "users", "contact_email": "b@example.com"}
    cleanup = {"dag_id": "cleanup", "contact_email": None}
    email.email_failure(request(orders, users, cleanup, refunds), "dev")
    told = [
        (
            mail["destinations"]["ToAddresses"],
            mail["subject"],
            [line.split()[1] for line in mail["body"].splitlines() if line.startswith("- ")],
        )
        for mail in sent()
    ]
    assert told == [
        (
            ["platform@example.com", "on-call@example.com"],
            "[dev] 4 DAGs of orders-dags were not deployed to deployment1",
            ["orders", "users", "cleanup", "refunds"],
        ),
        (
            ["a@example.com"],
            "[dev] 2 DAGs of orders-dags were not deployed to deployment1",
            ["orders", "refunds"],
        ),
        (["b@example.com"], "[dev] DAG users was not deployed to deployment1", ["users"]),
    ]
    assert all("\nThe files are stored: the next deploy" in mail["body"] for mail in sent())


def test_a_request_for_no_dags_is_told_of(email, sent):
    email.email_failure(request(), "dev")
    assert [mail["subject"] for mail in sent()] == [
        "[dev] The DAGs of orders-dags were not deployed to deployment1"
    ]


def test_too_many_contacts_are_not_all_written_to(email, sent, caplog):
    dags = [{"dag_id": f"dag{number}", "contact_email": f"{number}@example.com"} for number in range(53)]
    email.email_failure(request(*dags), "dev")
    assert len(sent()) == 51
    assert warnings(caplog) == [
        "No mail about a failed deploy was sent to 3 more contacts: they are too many."
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\u2028", "\x0b", "\0"])
def test_nothing_gets_into_a_header(email, sent, end):
    injected = f"x{end}Bcc: thief@example.com{end}{end}Text"
    email.email_failure(DAG | {"dag_id": injected, "deployment": injected, "message": injected}, injected)
    for mail in sent():
        assert mail["subject"].isprintable()
        assert not any(line.startswith("Bcc") for line in mail["body"].splitlines())
        assert "thief" not in json.dumps(mail["destinations"])


@pytest.mark.parametrize(
    "contact",
    [
        "owner@example.com\nBcc: thief@example.com",
        "owner@example.com,thief@example.com",
        "owner@example.com thief@example.com",
        "Owner <owner@example.com>",
        "owner@localhost",
        "owner",
        "@",
    ],
)
def test_a_contact_that_is_no_address_gets_none_and_the_others_do(email, sent, contact, caplog):
    email.email_failure(DAG | {"contact_email": contact}, "dev")
    assert [mail["destinations"]["ToAddresses"] for mail in sent()] == [
        ["platform@example.com", "on-call@example.com"]
    ]
    [warning] = warnings(caplog)
    assert "that is no mail address" in warning
    assert "\n" not in warning


def test_a_recipient_that_is_no_address_does_not_cost_the_others_their_mail(sender, sent):
    EmailClient(sender, ["nobody", "platform@example.com"], boto3.client("ses")).email_failure(DAG, "dev")
    assert sent()[0]["destinations"]["ToAddresses"] == ["platform@example.com"]


def test_a_sender_that_ses_does_not_know_is_a_warning(aws, caplog):
    EmailClient("stranger@example.com", ["platform@example.com"], boto3.client("ses")).email_failure(
        DAG, "dev"
    )
    assert warnings(caplog) == [
        f"No mail about a failed deploy was sent to {address}: MessageRejected, Email address not verified "
        "stranger@example.com."
        for address in ("platform@example.com", "owner@example.com")
    ]


def test_a_ses_that_does_not_answer_is_a_warning(aws, caplog):
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=1)
    ses = boto3.client("ses", endpoint_url="http://127.0.0.1:9", config=config)
    EmailClient("sender@example.com", ["platform@example.com"], ses).email_failure(DAG, "dev")
    assert all(warning.endswith(": EndpointConnectionError.") for warning in warnings(caplog))
    assert len(warnings(caplog)) == 2


def test_signatures_are_not_mailed(email, sent):
    problem = "https://host.example.com/medallion.py?X-Amz-Signature=s1gnature cannot be had"
    email.email_failure(DAG | {"problems": [problem], "message": problem}, "dev")
    assert sent()[0]["body"].count("https://host.example.com/medallion.py cannot be had") == 2
    assert "s1gnature" not in json.dumps(sent())
    assert "PASSWORD" not in json.dumps(sent())


def test_many_problems_are_cut(email, sent):
    email.email_failure(DAG | {"problems": [f"problem {number}" for number in range(1000)]}, "dev")
    lines = sent()[0]["body"].splitlines()
    assert lines[-2:] == ["- problem 49", "- and 950 more"]
