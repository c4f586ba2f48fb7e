from pyspark.sql import SparkSession
from pyspark.testing import assertDataFrameEqual

from schema.tables import BRONZE_USERS, SILVER_USERS
from transformations.silver.silver_users import silver_users


def test_users_are_cleaned_and_unique(spark: SparkSession) -> None:
    bronze = spark.createDataFrame(
        [
            (1, " Ada ", "London", 10, None),
            (1, "Ada (old)", "London", 5, None),
            (2, " ", "", None, None),
            (None, "nobody", None, 1, None),
        ],
        BRONZE_USERS.schema,
    )
    silver = [(1, "Ada", "London", 10, None), (2, None, None, 0, None)]
    assertDataFrameEqual(silver_users(bronze), spark.createDataFrame(silver, SILVER_USERS.schema))
