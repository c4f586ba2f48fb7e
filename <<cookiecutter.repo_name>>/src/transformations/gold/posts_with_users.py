"""Posts with who wrote them."""

from pyspark.sql import DataFrame


def posts_with_users(posts: DataFrame, users: DataFrame) -> DataFrame:
    """Join silver posts with silver users; a post whose user is unknown is kept."""
    authors = users.select("user_id", "display_name", "reputation")
    return posts.join(authors, posts["owner_user_id"] == authors["user_id"], "left").select(
        "post_id",
        "post_type",
        "created_at",
        "title",
        "score",
        "user_id",
        "display_name",
        "reputation",
    )
