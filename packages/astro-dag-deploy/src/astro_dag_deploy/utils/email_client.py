"""Mails about DAGs that did not get to Astronomer, sent through SES."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from astro_dag_deploy.utils.quoting import quote
from astro_dag_deploy.utils.s3_client import explain

if TYPE_CHECKING:
    from mypy_boto3_ses import SESClient

# One address, without a name before it: nothing that begins another address or header.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_LONGEST_SUBJECT = 150
_LONGEST_LINE = 1000
_LISTED_PROBLEMS = 50
# What a mail says of a DAG, in this order.
_FIELDS = {
    "dag_id": "DAG",
    "repo": "Repository",
    "workspace": "Workspace",
    "deployment": "Deployment",
    "squad_name": "Squad",
    "contact_email": "Contact",
    "alert_slack_channel": "Slack channel",
    "request_id": "Request",
    "error": "Error",
}
_NOT_SENT = "No mail about a failed deploy was sent to %s: %s."
_logger = Logger(child=True)


class EmailClient:
    """Sends mails.

    Args:
        sender: the address that they come from, one that SES knows.
        recipients: the addresses of those who get every mail.
        ses: boto3's client for SES.
    """

    def __init__(self, sender: str, recipients: Sequence[str], ses: "SESClient"):
        self._sender = sender
        self._recipients = list(recipients)
        self._ses = ses

    def email_failure(self, dag_json: Mapping[str, Any], environment: str) -> None:
        """Tell of a DAG that was not deployed: the configured recipients, and the DAG's own contact.

        It never fails: a mail that cannot be sent is a warning in the log.

        Args:
            dag_json: the DAG as the request has it (`dag_id`, `contact_email`, `squad_name`,
                `alert_slack_channel`; the files are not mailed), with `repo`, `workspace`, `deployment`,
                `request_id` and what went wrong: `error` (the code), `message` (a sentence) and `problems`
                (sentences).
            environment: dev or prod.
        """
        subject = quote(
            f"[{environment}] DAG {dag_json.get('dag_id', '?')} was not deployed to "
            f"{dag_json.get('deployment', '?')}",
            longest=_LONGEST_SUBJECT,
        )
        text = _text(dag_json, environment)
        contact = str(dag_json.get("contact_email") or "")
        # A contact that SES does not take must not cost the others their mail.
        contacts = [contact] if contact and contact not in self._recipients else []
        for recipients in (self._recipients, contacts):
            if addresses := [address for address in recipients if _is_address(address)]:
                self._send(addresses, subject, text)

    def _send(self, recipients: list[str], subject: str, text: str) -> None:
        try:
            self._ses.send_email(
                Source=self._sender,
                Destination={"ToAddresses": recipients},
                Message={
                    "Subject": {"Data": subject, "Charset": "UTF-8"},
                    "Body": {"Text": {"Data": text, "Charset": "UTF-8"}},
                },
            )
        except (ClientError, BotoCoreError) as error:
            _logger.warning(_NOT_SENT, ", ".join(recipients), explain(error))


def _is_address(text: str) -> bool:
    if _ADDRESS.fullmatch(text):
        return True
    _logger.warning(_NOT_SENT, quote(text), "that is no mail address")
    return False


def _text(dag_json: Mapping[str, Any], environment: str) -> str:
    lines = [quote(str(dag_json.get("message") or "The deploy failed."), longest=_LONGEST_LINE), ""]
    lines += [
        f"{label}: {quote(str(dag_json[name]), longest=_LONGEST_LINE)}"
        for name, label in _FIELDS.items()
        if dag_json.get(name)
    ]
    lines.append(f"Environment: {quote(environment)}")
    problems = [quote(str(problem), longest=_LONGEST_LINE) for problem in dag_json.get("problems") or []]
    if problems:
        lines += ["", "Problems:", *(f"- {problem}" for problem in problems[:_LISTED_PROBLEMS])]
        if more := len(problems[_LISTED_PROBLEMS:]):
            lines.append(f"- and {more} more")
    return "\n".join(lines) + "\n"
