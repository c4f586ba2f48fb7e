"""The settings of this project; their values stand in `resources/settings/`."""

from pydantic import PositiveInt
from skyspark import Settings


class StackExchangeSettings(Settings):
    """Where the Stack Exchange dump lies and what to make of it.

    Attributes:
        posts_path: Posts.xml of the dump.
        users_path: Users.xml of the dump.
        popular_tags: how many tags are called popular.
    """

    posts_path: str
    users_path: str
    popular_tags: PositiveInt
