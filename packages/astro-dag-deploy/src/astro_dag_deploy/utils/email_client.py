"""Mails about DAGs that did not get to Astronomer, sent through SES."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from astro_dag_deploy.utils.quoting import quote
from astro_dag_deploy.utils.s3_client import CALL_ERRORS, explain

if TYPE_CHECKING:
    from mypy_boto3_ses import SESClient

# One address, without a name before it: nothing that begins another address or header.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_LONGEST_SUBJECT = 150
_LONGEST_LINE = 1000
_LISTED = 50
_MOST_CONTACTS = 50
# What a mail says, in this order.
_FIELDS = {
    "repo": "Repository",
    "workspace": "Workspace",
    "deployment": "Deployment",
    "request_id": "Request",
    "error": "Error",
}
_DAG_FIELDS = {"contact_email": "contact", "squad_name": "squad", "alert_slack_channel": "Slack channel"}
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
        """Tell of DAGs that were not deployed: the configured recipients of all, each contact of its own.

        It never fails: a mail that cannot be sent is a warning in the log.

        Args:
            dag_json: what went wrong and where (`message`, a sentence, `problems`, sentences, `error`, the
                code, `uploaded`, whether the files are stored, `repo`, `workspace`, `deployment`,
                `request_id`) and `dags`, each as the request has it (`dag_id`, `contact_email`, `squad_name`,
                `alert_slack_channel`; files are not mailed). Without `dags` it is itself the one DAG.
            environment: dev or prod.
        """
        dags = dag_json.get("dags", [dag_json])
        of_contact: dict[str, list[Mapping[str, Any]]] = {}
        for dag in dags:
            contact = str(dag.get("contact_email") or "")
            if contact and contact not in self._recipients:
                of_contact.setdefault(contact, []).append(dag)
        self._send(self._recipients, dag_json, dags, environment)
        # A contact that SES does not take must not cost the others their mail.
        for contact in list(of_contact)[:_MOST_CONTACTS]:
            self._send([contact], dag_json, of_contact[contact], environment)
        if len(of_contact) > _MOST_CONTACTS:
            _logger.warning(
                _NOT_SENT, f"{len(of_contact) - _MOST_CONTACTS} more contacts", "they are too many"
            )

    def _send(
        self,
        recipients: Sequence[str],
        failure: Mapping[str, Any],
        dags: Sequence[Mapping[str, Any]],
        environment: str,
    ) -> None:
        addresses = [address for address in recipients if _is_address(address)]
        if not addresses:
            return
        try:
            self._ses.send_email(
                Source=self._sender,
                Destination={"ToAddresses": addresses},
                Message={
                    "Subject": {"Data": _subject(failure, dags, environment), "Charset": "UTF-8"},
                    "Body": {"Text": {"Data": _text(failure, dags, environment), "Charset": "UTF-8"}},
                },
            )
        except CALL_ERRORS as error:
            _logger.warning(_NOT_SENT, ", ".join(addresses), explain(error))


def _is_address(text: str) -> bool:
    if _ADDRESS.fullmatch(text):
        return True
    _logger.warning(_NOT_SENT, quote(text), "that is no mail address")
    return False


def _subject(failure: Mapping[str, Any], dags: Sequence[Mapping[str, Any]], environment: str) -> str:
    repo, deployment = failure.get("repo", "?"), failure.get("deployment", "?")
    if len(dags) == 1:
        what = f"DAG {dags[0].get('dag_id', '?')} was"
    else:
        what = f"{len(dags) or 'The'} DAGs of {repo} were"
    return quote(f"[{environment}] {what} not deployed to {deployment}", longest=_LONGEST_SUBJECT)


def _text(failure: Mapping[str, Any], dags: Sequence[Mapping[str, Any]], environment: str) -> str:
    lines = [_line(failure.get("message") or "The deploy failed.")]
    if failure.get("uploaded"):
        lines.append("The files are stored: the next deploy of the deployment takes them along.")
    lines.append("")
    lines += [f"{label}: {_line(failure[name])}" for name, label in _FIELDS.items() if failure.get(name)]
    lines.append(f"Environment: {_line(environment)}")
    lines += _list("DAGs", [_dag(dag) for dag in dags])
    lines += _list("Problems", failure.get("problems") or [])
    return "\n".join(lines) + "\n"


def _dag(dag: Mapping[str, Any]) -> str:
    known = ", ".join(f"{label} {dag[name]}" for name, label in _DAG_FIELDS.items() if dag.get(name))
    return f"{dag.get('dag_id', '?')} ({known})" if known else str(dag.get("dag_id", "?"))


def _list(title: str, entries: Sequence[Any]) -> list[str]:
    if not entries:
        return []
    lines = ["", f"{title}:", *(f"- {_line(entry)}" for entry in entries[:_LISTED])]
    return [*lines, f"- and {len(entries) - _LISTED} more"] if len(entries) > _LISTED else lines


def _line(value: object) -> str:
    return quote(str(value), longest=_LONGEST_LINE)
