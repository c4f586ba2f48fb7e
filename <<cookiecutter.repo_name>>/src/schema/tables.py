"""The contract of each table: what a reader may rely on."""

from pyspark.sql.types import (
    ArrayType,
    DateType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)
from skyspark.schema import TableContract

BRONZE_POSTS = TableContract(
    name="bronze_posts",
    comment="Posts.xml as it came",
    schema=StructType(
        [
            StructField("id", LongType()),
            StructField("post_type_id", IntegerType()),
            StructField("parent_id", LongType()),
            StructField("created_at", TimestampType()),
            StructField("last_activity_at", TimestampType()),
            StructField("owner_user_id", LongType()),
            StructField("title", StringType()),
            StructField("tags", StringType()),
            StructField("score", IntegerType()),
            StructField("view_count", LongType()),
        ]
    ),
)

BRONZE_USERS = TableContract(
    name="bronze_users",
    comment="Users.xml as it came",
    schema=StructType(
        [
            StructField("id", LongType()),
            StructField("display_name", StringType()),
            StructField("location", StringType()),
            StructField("reputation", LongType()),
            StructField("created_at", TimestampType()),
        ]
    ),
)

SILVER_POSTS = TableContract(
    name="silver_posts",
    comment="Questions and answers, one row each",
    keys=("post_id",),
    schema=StructType(
        [
            StructField("post_id", LongType()),
            StructField("post_type", StringType()),
            StructField("parent_id", LongType()),
            StructField("created_at", TimestampType()),
            StructField("last_activity_at", TimestampType()),
            StructField("owner_user_id", LongType()),
            StructField("title", StringType()),
            StructField("tags", ArrayType(StringType())),
            StructField("score", IntegerType()),
            StructField("view_count", LongType()),
        ]
    ),
)

SILVER_USERS = TableContract(
    name="silver_users",
    comment="Users, one row each",
    keys=("user_id",),
    schema=StructType(
        [
            StructField("user_id", LongType()),
            StructField("display_name", StringType()),
            StructField("location", StringType()),
            StructField("reputation", LongType()),
            StructField("created_at", TimestampType()),
        ]
    ),
)

GOLD_POPULAR_TAGS = TableContract(
    name="gold_popular_tags",
    comment="The tags with the most questions",
    keys=("tag",),
    schema=StructType(
        [
            StructField("tag", StringType()),
            StructField("questions", LongType()),
            StructField("views", LongType()),
        ]
    ),
)

GOLD_POSTS_WITH_USERS = TableContract(
    name="gold_posts_with_users",
    comment="Posts with who wrote them",
    keys=("post_id",),
    schema=StructType(
        [
            StructField("post_id", LongType()),
            StructField("post_type", StringType()),
            StructField("created_at", TimestampType()),
            StructField("title", StringType()),
            StructField("score", IntegerType()),
            StructField("user_id", LongType()),
            StructField("display_name", StringType()),
            StructField("reputation", LongType()),
        ]
    ),
)

GOLD_DAILY_TAGS = TableContract(
    name="gold_daily_tags",
    comment="Questions asked per tag and day",
    keys=("day", "tag"),
    schema=StructType(
        [
            StructField("day", DateType()),
            StructField("tag", StringType()),
            StructField("questions", LongType()),
        ]
    ),
)
