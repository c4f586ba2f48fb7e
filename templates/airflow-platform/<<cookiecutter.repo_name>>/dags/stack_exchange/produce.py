"""The whole way of an archive, from its host to S3."""

import logging
import shutil
import tempfile
from pathlib import Path

from airflow.sdk import Asset

from stack_exchange import listing, transport
from stack_exchange.archive import extract
from stack_exchange.assets import (
    BUCKET,
    BUCKET_REGION,
    POSTS_ASSET,
    POSTS_KEY,
    POSTS_MEMBER,
    SITE,
    USERS_ASSET,
    USERS_KEY,
    USERS_MEMBER,
    archive_url,
)
from stack_exchange.download import download
from stack_exchange.errors import RefusedError
from stack_exchange.landing import Landed, Landing, checksum

log = logging.getLogger(__name__)

KEYS = {POSTS_MEMBER: POSTS_KEY, USERS_MEMBER: USERS_KEY}
ASSETS = {POSTS_MEMBER: POSTS_ASSET, USERS_MEMBER: USERS_ASSET}


def bring(most_bytes: int) -> dict[Asset, Landed]:
    """Have both objects in S3 as the archive has them now.

    Nothing is downloaded if they are there already. If one of them is not, both are brought.

    Args:
        most_bytes: that the archive and what is taken out of it may have together on disk.

    Returns:
        What is in S3 now.

    Raises:
        ArchiveError: see its sentence; a later try may succeed.
        RefusedError: it would not.
    """
    url, landing = archive_url(), Landing(BUCKET, BUCKET_REGION)
    with transport.open_session(url) as session:
        listed = listing.look_up(session, url)
        there = {name: landing.find(key, listed) for name, key in KEYS.items()}
        current = {ASSETS[name]: landed for name, landed in there.items() if landed is not None}
        if len(current) == len(KEYS):
            log.info("S3 has what %s has: %s", url, checksum(listed))
            return current
        if listed.size > most_bytes:
            raise RefusedError(
                f"{url} has {listed.size} bytes where {most_bytes} are allowed: raise the disk of"
                " the task if it should be taken."
            )
        log.info("Downloading %s: %s bytes", url, listed.size)
        # A fixed place, so that another try on the same disk finds what there is.
        folder = Path(tempfile.gettempdir()) / "stack_exchange" / SITE
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        archive = download(session, listed, folder)
    with tempfile.TemporaryDirectory(prefix="stack_exchange-") as unpacked:
        members = extract(archive, list(KEYS), Path(unpacked), most_bytes - listed.size)
        landed = {}
        for name, key in KEYS.items():
            landing.abort_uploads(key)
            landed[ASSETS[name]] = landing.upload(key, members[name], listed)
            log.info("s3://%s/%s has %s rows now", BUCKET, key, members[name].rows)
    shutil.rmtree(folder)
    return landed
