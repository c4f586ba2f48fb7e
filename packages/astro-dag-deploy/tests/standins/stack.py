"""What the function's stack has in AWS, as `template.yml` has it."""

import boto3

REGION = "eu-west-1"


def make_bucket(name: str) -> None:
    """Make a bucket."""
    boto3.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})


def make_stack(bucket: str, table: str, secret: str, token: str) -> None:
    """Make the versioned bucket of DAGs, the table of locks and requests, and the secret with a token."""
    make_bucket(bucket)
    boto3.client("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    boto3.client("dynamodb").create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    boto3.client("secretsmanager").create_secret(Name=secret, SecretString=token)
