"""Keeps the passwords in addresses out of what others read: files of projects, errors, logs."""

import re

# Up to the last '@' before the path: a password may hold one that is not percent-encoded.
_USER = re.compile(r"(https?://)[^/\s]*@", re.IGNORECASE)


def without_credentials(text: str) -> str:
    """Take user name and password out of the http addresses in a text.

    Args:
        text: an address, or a sentence with addresses.
    """
    return _USER.sub(r"\1", text)
