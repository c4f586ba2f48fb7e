from datetime import datetime

from pyspark.sql import SparkSession
from pyspark.testing import assertDataFrameEqual

from schema.tables import GOLD_POSTS_WITH_USERS, SILVER_POSTS, SILVER_USERS
from transformations.gold.gold_posts_with_users import gold_posts_with_users

AT = datetime(2026, 1, 1)


def test_a_post_keeps_its_row_without_a_known_user(spark: SparkSession) -> None:
    posts = spark.createDataFrame(
        [
            (1, "question", None, AT, AT, 10, "Why?", ["spark"], 4, 7),
            (2, "answer", 1, AT, AT, 99, None, [], 1, 0),
            (3, "answer", 1, AT, AT, None, None, [], 0, 0),
        ],
        SILVER_POSTS.schema,
    )
    users = spark.createDataFrame([(10, "Ada", None, 50, AT)], SILVER_USERS.schema)
    expected = [
        (1, "question", AT, "Why?", 4, 10, "Ada", 50),
        (2, "answer", AT, None, 1, None, None, None),
        (3, "answer", AT, None, 0, None, None, None),
    ]
    assertDataFrameEqual(
        gold_posts_with_users(posts, users),
        spark.createDataFrame(expected, GOLD_POSTS_WITH_USERS.schema),
    )
