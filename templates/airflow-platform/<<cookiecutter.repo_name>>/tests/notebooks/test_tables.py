"""The notebooks on made dumps: the rows they leave, worked out by hand."""

from datetime import datetime
from pathlib import Path

import pytest
from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

# Post 1 is there twice, in an old and a new version; post 5 is neither question nor answer.
POSTS = """<?xml version="1.0" encoding="utf-8"?>
<posts>
  <row Id="1" PostTypeId="1" CreationDate="2026-01-01T09:00:00.000" LastActivityDate="2026-01-02T10:00:00.000" OwnerUserId="10" Title=" Reading &lt;xml&gt; &amp; more " Tags="&lt;python&gt;&lt;pandas&gt;" Score="5" ViewCount="100" />
  <row Id="1" PostTypeId="1" CreationDate="2026-01-01T09:00:00.000" LastActivityDate="2026-01-01T09:00:00.000" OwnerUserId="10" Title="Reading" Tags="&lt;r&gt;" Score="1" ViewCount="3" />
  <row Id="2" PostTypeId="2" ParentId="1" CreationDate="2026-01-01T09:30:00.000" LastActivityDate="2026-01-01T09:30:00.000" OwnerUserId="11" Score="3" />
  <row Id="3" PostTypeId="1" CreationDate="2026-01-03T08:00:00.000" LastActivityDate="2026-01-03T08:00:00.000" OwnerUserId="10" Title="Caf&#233;?" Tags="|python|" Score="0" ViewCount="40" />
  <row Id="4" PostTypeId="1" CreationDate="2026-01-04T08:00:00.000" LastActivityDate="2026-01-04T08:00:00.000" OwnerUserId="99" Title="Who am I?" Tags="&lt;pandas&gt;&lt;python&gt;" Score="-2" />
  <row Id="5" PostTypeId="5" CreationDate="2026-01-05T08:00:00.000" LastActivityDate="2026-01-05T08:00:00.000" Score="0" />
</posts>
"""  # noqa: E501
USERS = """<?xml version="1.0" encoding="utf-8"?>
<users>
  <row Id="10" DisplayName="Ada" Location="London" Reputation="1500" CreationDate="2020-05-01T00:00:00.000" />
  <row Id="11" DisplayName=" Jos&#233; " Location="" Reputation="90" CreationDate="2021-06-01T00:00:00.000" />
</users>
"""  # noqa: E501
ROWS = {
    "bronze_posts": 6,
    "bronze_users": 2,
    "silver_posts": 4,
    "silver_users": 2,
    "gold_posts_with_users": 4,
    "gold_popular_tags": 2,
}
TAGS = {("python", 3, 140), ("pandas", 2, 100)}
AUTHORS = {
    (1, "question", datetime(2026, 1, 1, 9), "Reading <xml> & more", 5, 10, "Ada", 1500),
    (2, "answer", datetime(2026, 1, 1, 9, 30), None, 3, 11, "José", 90),
    (3, "question", datetime(2026, 1, 3, 8), "Café?", 0, 10, "Ada", 1500),
    (4, "question", datetime(2026, 1, 4, 8), "Who am I?", -2, None, None, None),
}


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    """The folder that the dump lies in."""
    land(tmp_path, POSTS, USERS)
    return tmp_path


def land(folder: Path, posts: str, users: str) -> None:
    (folder / "Posts.xml").write_text(posts, encoding="utf-8")
    (folder / "Users.xml").write_text(users, encoding="utf-8")


def rows(spark: SparkSession, table: str) -> set[tuple]:
    found = spark.table(table).collect()
    assert len(found) == len(set(map(str, found)))
    return {tuple(row) for row in found}


def test_a_dump_becomes_gold_and_the_next_one_takes_its_place(
    spark: SparkSession, run_job, landing: Path
) -> None:
    assert run_job(landing) == ROWS
    assert rows(spark, "gold_popular_tags") == TAGS
    assert rows(spark, "gold_posts_with_users") == AUTHORS
    described = spark.sql("DESCRIBE DETAIL gold_posts_with_users").first()
    assert described["format"] == "delta"
    assert described["clusteringColumns"] == ["created_at"]
    assert described["description"] == "Posts with who wrote them"

    without_pandas = POSTS.replace("&lt;pandas&gt;", "").replace('<row Id="2"', '<row Id="6"')
    land(landing, without_pandas, USERS.replace("Ada", "Lovelace"))
    assert run_job(landing) == ROWS | {"gold_popular_tags": 1}
    assert rows(spark, "gold_popular_tags") == {("python", 3, 140)}
    found = {(row[0], row[6]) for row in rows(spark, "gold_posts_with_users")}
    assert found == {(1, "Lovelace"), (3, "Lovelace"), (4, None), (6, "José")}


def test_a_broken_row_fails_the_run_and_the_table_stays(
    spark: SparkSession, run_notebook, landing: Path
) -> None:
    assert run_notebook("bronze_posts", landing)["rows"] == 6
    before = rows(spark, "bronze_posts")
    land(landing, POSTS.replace('ViewCount="40"', 'ViewCount="many"'), USERS)
    with pytest.raises(Py4JJavaError, match="MALFORMED_RECORD"):
        run_notebook("bronze_posts", landing)
    assert rows(spark, "bronze_posts") == before
