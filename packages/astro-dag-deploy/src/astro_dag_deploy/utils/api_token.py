"""The API token of an Astro workspace."""

import re
from collections.abc import Callable

from astro_dag_deploy.errors import AstroError

_TOKEN = re.compile(r"[\x21-\x7e]+")


def read_token(source: Callable[[], str]) -> str:
    """Return a token that can stand in a header.

    Raises:
        AstroError: it cannot: what refuses such a header prints it.
    """
    token = source().strip()
    if not _TOKEN.fullmatch(token):
        raise AstroError(
            "The API token is empty or has spaces or letters in it that no token has: mend its secret."
        )
    return token
