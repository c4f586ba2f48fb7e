"""One deploy of a deployment at a time, whichever repository it is for.

A deploy replaces all DAGs of its deployment: of two at once the slower would bring back what the faster
replaced.
"""

import random
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from astro_dag_deploy.errors import BusyError, StorageError
from astro_dag_deploy.model.target import Target
from astro_dag_deploy.utils.s3_client import CALL_ERRORS, explain

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

_DAY = 24 * 60 * 60
_OWN = "#owner = :owner"
_logger = Logger(child=True)


class DeploymentLock:
    """A lease in DynamoDB: who is killed loses it in time.

    Args:
        table: a table with the key `id`; its time to live is the attribute `expiration`.
        client: boto3's client for DynamoDB.
        target: the deployment.
        lease: for how many seconds the holder may work; it must have ended by then.
    """

    def __init__(self, table: str, client: "DynamoDBClient", target: Target, *, lease: float):
        self._table = table
        self._client = client
        self._target = target
        self._lease = lease
        self._owner = uuid.uuid4().hex

    @contextmanager
    def held(self, patience: float) -> Iterator[None]:
        """Hold the lock.

        Args:
            patience: for how many seconds to wait for another holder.

        Raises:
            BusyError: another holds it still.
            StorageError: DynamoDB does not answer.
        """
        self._acquire(patience)
        try:
            yield
        finally:
            self._release()

    def renew(self) -> None:
        """Begin the lease anew, from now.

        Raises:
            BusyError: it was lost.
            StorageError: DynamoDB does not answer.
        """
        # That it is free again is no comfort: another had it, and deployed what this one has not seen.
        if not self._put(_OWN):
            raise BusyError(
                f"The lock of {self._target} was lost to another deploy before the DAGs were deployed."
            )

    def _acquire(self, patience: float) -> None:
        deadline = time.monotonic() + patience
        # One's own: a request whose answer got lost is sent again.
        while not self._put(f"attribute_not_exists(id) OR expires_at < :now OR {_OWN}"):
            left = deadline - time.monotonic()
            if left <= 0:
                raise BusyError(
                    f"Another deploy of {self._target} has been at work for over {patience:.0f} s: try again "
                    "later."
                )
            # Those who wait must not ask all at once.
            time.sleep(min(left, random.uniform(0.2, 1.0)))  # noqa: S311

    def _put(self, condition: str) -> bool:
        """Write the lock with a new lease; return whether the condition was met."""
        now = time.time()
        values: dict[str, AttributeValueTypeDef] = {":owner": {"S": self._owner}}
        if ":now" in condition:
            values[":now"] = {"N": f"{now:.3f}"}
        try:
            self._client.put_item(
                TableName=self._table,
                Item={
                    "id": {"S": self._key},
                    "owner": {"S": self._owner},
                    "expires_at": {"N": f"{now + self._lease:.3f}"},
                    "expiration": {"N": str(int(now + self._lease) + _DAY)},
                },
                ConditionExpression=condition,
                ExpressionAttributeNames={"#owner": "owner"},
                ExpressionAttributeValues=values,
            )
        except CALL_ERRORS as error:
            if isinstance(error, ClientError) and (
                error.response["Error"]["Code"] == "ConditionalCheckFailedException"
            ):
                return False
            raise StorageError(
                f"Could not lock {self._target} in table {self._table}: {explain(error)}."
            ) from None
        return True

    def _release(self) -> None:
        try:
            self._client.delete_item(
                TableName=self._table,
                Key={"id": {"S": self._key}},
                ConditionExpression=_OWN,
                ExpressionAttributeNames={"#owner": "owner"},
                ExpressionAttributeValues={":owner": {"S": self._owner}},
            )
        except CALL_ERRORS as error:
            # What was deployed is deployed: the next one waits until the lease has run out.
            _logger.warning("The lock of %s could not be released: %s.", self._target, explain(error))

    @property
    def _key(self) -> str:
        return f"lock#{self._target}"
