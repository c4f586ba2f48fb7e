"""Posts with who wrote them."""

from pyspark.sql import DataFrame

from schema.tables import GOLD_POSTS_WITH_USERS


def gold_posts_with_users(silver_posts: DataFrame, silver_users: DataFrame) -> DataFrame:
    """Join silver posts with silver users; a post whose user is unknown is kept."""
    authors = silver_users.select("user_id", "display_name", "reputation")
    is_author = silver_posts["owner_user_id"] == authors["user_id"]
    posts = silver_posts.join(authors, is_author, "left").select(
        "post_id",
        "post_type",
        "created_at",
        "title",
        "score",
        "user_id",
        "display_name",
        "reputation",
    )
    return GOLD_POSTS_WITH_USERS.check(posts)
