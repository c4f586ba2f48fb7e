"""The attributes of the files of a Stack Exchange dump."""

from pyspark.sql.types import (
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

POSTS_XML = StructType(
    [
        StructField("Id", LongType()),
        StructField("PostTypeId", IntegerType()),
        StructField("ParentId", LongType()),
        StructField("CreationDate", TimestampType()),
        StructField("LastActivityDate", TimestampType()),
        StructField("OwnerUserId", LongType()),
        StructField("Title", StringType()),
        StructField("Tags", StringType()),
        StructField("Score", IntegerType()),
        StructField("ViewCount", LongType()),
    ]
)

USERS_XML = StructType(
    [
        StructField("Id", LongType()),
        StructField("DisplayName", StringType()),
        StructField("Location", StringType()),
        StructField("Reputation", LongType()),
        StructField("CreationDate", TimestampType()),
    ]
)
