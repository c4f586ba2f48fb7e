"""The IAM role with which a run reads and writes S3."""

import re

from alchemy.errors import PayloadError

PREFIX = "alc-db-"

_ARN = re.compile(r"arn:aws(?:-[a-z]+)*:iam::\d{12}:role/(?:[\w+=,.@-]+/)*(?P<name>[\w+=,.@-]+)", re.ASCII)
_NAME = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)
_ECR = re.compile(r"(?:https://)?(?P<account>\d{12})\.dkr\.ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.")


def role_arn(role: str, *, account: str | None = None, registry: str | None = None) -> str:
    """Return a role's ARN.

    Args:
        role: Its name or its ARN; the name begins with ``alc-db-``.
        account: The AWS account of a role that is given by its name, twelve digits.
        registry: The ECR registry's host, whose account is taken when there is no other.

    Raises:
        PayloadError: It is neither a name nor an ARN, has another prefix, or its account is not known.
    """
    given = _ARN.fullmatch(str(role))
    name = given["name"] if given else str(role)
    if not _NAME.fullmatch(name):
        raise PayloadError(
            f"spark_s3_iam_role {role!r} is neither a role's name nor its ARN: write {PREFIX}orders "
            f"or arn:aws:iam::123456789012:role/{PREFIX}orders."
        )
    if not name.startswith(PREFIX):
        raise PayloadError(
            f"spark_s3_iam_role {role!r} does not begin with {PREFIX!r}: only such roles are for Spark."
        )
    if given:
        return role
    ecr = _ECR.match(registry or "")
    account = account or (ecr["account"] if ecr else None)
    if not account or not re.fullmatch(r"\d{12}", account):
        raise PayloadError(
            f"The account of spark_s3_iam_role {role!r} is not known: write the role's ARN, "
            "or set 'aws_account_id' in the extra of the Databricks connection."
        )
    return f"arn:{_partition(ecr['region'] if ecr else '')}:iam::{account}:role/{role}"


def _partition(region: str) -> str:
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"
