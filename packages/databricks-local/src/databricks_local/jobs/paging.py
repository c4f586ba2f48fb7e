"""Page tokens: opaque to clients, a few numbers to us."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any

from databricks_local.errors import invalid

ELEMENTS = 100
"""How many elements of a list inside a job or a run one answer of version 2.2 holds."""


def token(direction: str, *position: int) -> str:
    """Return a page token.

    Args:
        direction: Which way the page lies from the position, a word.
        position: What the page starts at.
    """
    return base64.urlsafe_b64encode(json.dumps([direction, *position]).encode()).decode()


def opened(text: str, directions: Mapping[str, int]) -> tuple[str, tuple[int, ...]]:
    """Return direction and position of a page token.

    Args:
        text: What a client sent.
        directions: The directions there are, with the count of numbers of their positions.

    Raises:
        ApiError: 400: it is none of ours.
    """
    try:
        content = json.loads(base64.urlsafe_b64decode(text.encode()))
    except (binascii.Error, ValueError):
        content = None
    match content:
        case [str(direction), *position] if direction in directions:
            if len(position) == directions[direction] and all(
                type(each) is int and abs(each) < 2**63 for each in position
            ):
                return direction, tuple(position)
    raise invalid(f"The page token '{text}' is invalid.")


def page_of_elements(
    lists: Mapping[str, Sequence[Any]], version: str, page_token: str | None
) -> tuple[dict[str, Sequence[Any]], str | None]:
    """Return one page of all lists inside a job or a run, and the token of the next one.

    Args:
        lists: The lists by the names of their fields.
        version: The API's version: up to 2.1 there was one page.
        page_token: What the client sent; None for the first page.

    Raises:
        ApiError: 400: the token is none of ours.
    """
    if version == "2.1":
        return dict(lists), None
    start = opened(page_token, {"elements": 1})[1][0] if page_token else 0
    end = start + ELEMENTS
    more = any(len(each) > end for each in lists.values())
    return {name: each[start:end] for name, each in lists.items()}, token("elements", end) if more else None


def page_of_answers(answer: dict[str, Any], version: str) -> dict[str, Any]:
    """Return a page of a list of jobs or runs as a version of the API words it.

    Args:
        answer: The page with its tokens.
        version: The API's version: up to 2.1 a page said besides whether another follows.
    """
    return answer | ({"has_more": "next_page_token" in answer} if version == "2.1" else {})
