"""The settings of this project; their values stand in `resources/settings/`."""

from skyspark import Settings


class StackExchangeSettings(Settings):
    """Where the Stack Exchange dump lies.

    Attributes:
        posts_path: Posts.xml of the dump.
        users_path: Users.xml of the dump.
    """

    posts_path: str
    users_path: str
