"""Calls the Lambda's handler as its runtime does, with a request that is wrong."""

# ruff: noqa: S101
import json
from typing import Any

from astro_dag_deploy import __version__
from astro_dag_deploy.main import handler


class Context:
    """What Lambda hands over."""

    aws_request_id = "trial"

    def get_remaining_time_in_millis(self) -> int:
        """Return milliseconds."""
        return 3000


answer: dict[str, Any] = handler({"httpMethod": "POST"}, Context())
assert answer["statusCode"] == 400
body: dict[str, Any] = json.loads(answer["body"])
assert body["error"] == "bad_request"
assert __version__
