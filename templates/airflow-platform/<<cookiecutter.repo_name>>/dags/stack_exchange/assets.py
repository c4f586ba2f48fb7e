"""Which archive is loaded, and what it is called in S3: said here, and nowhere else."""

import os

from airflow.sdk import Asset

SITE = "<< cookiecutter.stack_exchange_site >>"
BUCKET = "<< cookiecutter.s3_bucket >>"
BUCKET_REGION = "<< cookiecutter.aws_region >>"
PREFIX = f"stack_exchange/{SITE}"

# The members of the archive that are taken, and the key of each in the bucket.
POSTS_MEMBER, USERS_MEMBER = "Posts.xml", "Users.xml"
POSTS_KEY, USERS_KEY = f"{PREFIX}/{POSTS_MEMBER}", f"{PREFIX}/{USERS_MEMBER}"

POSTS_ASSET = Asset(f"s3://{BUCKET}/{POSTS_KEY}", group="stack_exchange")
USERS_ASSET = Asset(f"s3://{BUCKET}/{USERS_KEY}", group="stack_exchange")


def archive_url() -> str:
    """Return where the archive is downloaded from.

    The environment variable `STACK_EXCHANGE_ARCHIVE_URL` leads to another place, such as a mirror.
    Beside the archive lies what the host says of it: see `listing.py`.
    """
    default = f"https://archive.org/download/stackexchange/{SITE}.7z"
    return os.environ.get("STACK_EXCHANGE_ARCHIVE_URL") or default
