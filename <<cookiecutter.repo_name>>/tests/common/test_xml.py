from datetime import datetime

from pyspark.sql import SparkSession

from common.xml import read_rows
from schema.stack_exchange import POSTS_XML, USERS_XML


def test_attributes_become_typed_columns(spark: SparkSession, posts_xml: str) -> None:
    posts = read_rows(spark, posts_xml, POSTS_XML)
    assert posts.schema == POSTS_XML
    first = posts.orderBy("Id").first()
    assert first["Tags"] == "<apache-spark><xml>"
    assert first["CreationDate"] == datetime(2026, 1, 1, 9)
    assert first["ParentId"] is None


def test_entities_are_decoded(spark: SparkSession, users_xml: str) -> None:
    users = read_rows(spark, users_xml, USERS_XML)
    assert [row["DisplayName"] for row in users.orderBy("Id").collect()][2] == "José"
