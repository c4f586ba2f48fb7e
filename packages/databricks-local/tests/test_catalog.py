import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, DatabricksError, NotFound
from databricks.sdk.errors import NotImplemented as NotImitated
from databricks.sdk.service.catalog import ColumnTypeName, TableType, VolumeType
from databricks_local.process import LocalWorkspace

# A job's task writes tables in the same way: managed tables in the warehouse of the root folder.
WRITE_TABLES = """
import sys
from skyspark import get_spark
quickly = {"spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"}
spark = get_spark(warehouse=sys.argv[1], conf=quickly)
spark.sql("CREATE SCHEMA bronze")
spark.sql(
    "CREATE TABLE bronze.Orders (id BIGINT NOT NULL COMMENT 'the key', price DECIMAL(10, 2), day DATE,"
    " tags ARRAY<STRING>, buyer STRUCT<name: STRING, age: INT>, counts MAP<STRING, BIGINT>, at TIMESTAMP)"
    " USING DELTA PARTITIONED BY (day) COMMENT 'all orders' TBLPROPERTIES ('team' = 'sales')"
)
spark.sql("ALTER TABLE bronze.orders ADD COLUMN note STRING")
spark.sql("CREATE TABLE numbers (id BIGINT) USING DELTA")
"""


@pytest.fixture(scope="module")
def client(databricks_local: LocalWorkspace) -> WorkspaceClient:
    return databricks_local.client()


@pytest.fixture
def schema(client: WorkspaceClient) -> str:
    name = f"s{uuid.uuid4().hex}"
    return str(client.schemas.create(name, "main", comment="made by a test").full_name)


@pytest.fixture(scope="module")
def with_tables(databricks_local_factory: Callable[..., LocalWorkspace]) -> LocalWorkspace:
    workspace = databricks_local_factory("--catalog", "main", "--catalog", "other")
    (workspace.root / "warehouse").mkdir(exist_ok=True)
    subprocess.run(
        [sys.executable, "-c", WRITE_TABLES, workspace.root / "warehouse"],
        check=True,
        timeout=900,
        capture_output=True,
        cwd=workspace.root.parent,
        env=os.environ | {"SPARK_LOCAL_IP": "127.0.0.1"},
    )
    return workspace


def test_catalogs_of_the_command_line_are_there(with_tables: LocalWorkspace) -> None:
    client = with_tables.client()
    assert [c.name for c in client.catalogs.list()] == ["main", "other"]
    assert [s.full_name for s in client.schemas.list("other")] == ["other.bronze", "other.default"]


def test_a_table_shows_as_spark_made_it(with_tables: LocalWorkspace) -> None:
    table = with_tables.client().tables.get("main.bronze.orders")
    assert table.table_type == TableType.MANAGED
    assert (table.full_name, table.comment) == ("main.bronze.orders", "all orders")
    assert table.storage_location == f"file://{with_tables.root}/warehouse/bronze.db/orders"
    assert (table.properties or {})["team"] == "sales"
    assert table.created_at
    assert table.updated_at
    assert table.created_at < table.updated_at
    columns = {c.name: c for c in table.columns or []}
    assert {name: c.type_text for name, c in columns.items()} == {
        "id": "bigint",
        "price": "decimal(10,2)",
        "day": "date",
        "tags": "array<string>",
        "buyer": "struct<name:string,age:int>",
        "counts": "map<string,bigint>",
        "at": "timestamp",
        "note": "string",
    }
    assert [c.type_name for c in columns.values()][:5] == [
        ColumnTypeName.LONG,
        ColumnTypeName.DECIMAL,
        ColumnTypeName.DATE,
        ColumnTypeName.ARRAY,
        ColumnTypeName.STRUCT,
    ]
    assert (columns["id"].nullable, columns["id"].comment, columns["id"].position) == (False, "the key", 0)
    assert (columns["price"].type_precision, columns["price"].type_scale) == (10, 2)
    assert (columns["day"].partition_index, columns["id"].partition_index) == (0, None)
    assert json.loads(columns["at"].type_json or "")["type"] == "timestamp"


def test_tables_are_listed_and_looked_for(with_tables: LocalWorkspace) -> None:
    client = with_tables.client()
    assert [t.full_name for t in client.tables.list("main", "bronze")] == ["main.bronze.orders"]
    assert [t.full_name for t in client.tables.list("main", "default")] == ["main.default.numbers"]
    assert next(client.tables.list("main", "bronze", omit_columns=True)).columns == []
    assert client.tables.exists("main.bronze.ORDERS").table_exists
    assert not client.tables.exists("main.bronze.nope").table_exists
    assert not client.tables.exists("main.nope.orders").table_exists
    with pytest.raises(NotFound, match=r"Table 'main\.bronze\.nope' does not exist\."):
        client.tables.get("main.bronze.nope")
    with pytest.raises(NotFound, match=r"Schema 'main\.nope' does not exist\."):
        list(client.tables.list("main", "nope"))
    with pytest.raises(BadRequest, match=r"write catalog\.schema\.table"):
        client.tables.get("bronze.orders")


def test_tables_can_only_be_dropped_by_tasks(with_tables: LocalWorkspace) -> None:
    client = with_tables.client()
    with pytest.raises(NotImitated):
        client.tables.delete("main.bronze.orders")
    with pytest.raises(BadRequest, match=r"The schema has 1 tables\(s\), 0 functions\(s\), 0 volumes\(s\)"):
        client.schemas.delete("main.bronze")
    with pytest.raises(NotImitated, match="schema with tables"):
        client.schemas.delete("main.bronze", force=True)
    assert client.tables.exists("main.bronze.orders").table_exists


def test_a_log_that_is_being_written_is_read_as_far_as_it_goes(with_tables: LocalWorkspace) -> None:
    log = with_tables.root / "warehouse/bronze.db/orders/_delta_log"
    half = log / "00000000000000000099.json"
    half.write_text('{"commitInfo":{"timest')
    try:
        columns = with_tables.client().tables.get("main.bronze.orders").columns
    finally:
        half.unlink()
    assert len(columns or []) == 8


def test_a_schema_is_made_changed_and_deleted(client: WorkspaceClient, schema: str) -> None:
    made = client.schemas.get(schema)
    assert (made.comment, made.catalog_name, made.owner) == (
        "made by a test",
        "main",
        "local@databricks.local",
    )
    assert made.created_at == made.updated_at
    changed = client.schemas.update(schema, comment="new", properties={"a": "b"})
    assert (changed.comment, changed.schema_id) == ("new", made.schema_id)
    assert client.schemas.get(schema).properties == {"a": "b"}
    with pytest.raises(BadRequest, match="already exists") as caught:
        client.schemas.create(schema.split(".")[1].upper(), "main")
    assert caught.value.error_code == "SCHEMA_ALREADY_EXISTS"
    renamed = client.schemas.update(schema, new_name=schema.split(".")[1] + "_new")
    assert renamed.full_name == f"{schema}_new"
    client.schemas.delete(f"{schema}_new")
    with pytest.raises(NotFound, match=rf"Schema '{schema}_new' does not exist\."):
        client.schemas.get(f"{schema}_new")


def test_a_volume_is_made_changed_and_deleted(
    client: WorkspaceClient, databricks_local: LocalWorkspace, schema: str
) -> None:
    name = schema.split(".")[1]
    made = client.volumes.create("main", name, "Landing", VolumeType.MANAGED, comment="files")
    real = databricks_local.root / "volumes/main" / name / "landing"
    assert (made.full_name, made.storage_location) == (f"{schema}.landing", f"file://{real}")
    (real / "a.txt").write_text("1")
    renamed = client.volumes.update(f"{schema}.landing", new_name="inbox")
    assert (renamed.volume_id, renamed.full_name) == (made.volume_id, f"{schema}.inbox")
    assert (real.with_name("inbox") / "a.txt").read_text() == "1"
    assert [v.name for v in client.volumes.list("main", name)] == ["inbox"]
    with pytest.raises(
        BadRequest, match=r"is not empty\. The schema has 0 tables\(s\), 0 functions\(s\), 1 vol"
    ):
        client.schemas.delete(schema)
    client.schemas.delete(schema, force=True)
    assert not real.with_name("inbox").exists()
    with pytest.raises(NotFound, match=rf"Volume '{schema}\.inbox' does not exist\."):
        client.volumes.read(f"{schema}.inbox")


def test_a_volume_has_no_place_of_its_own(client: WorkspaceClient) -> None:
    with pytest.raises(DatabricksError, match="storage_location can not be provided"):
        client.volumes.create("main", "default", "x", VolumeType.MANAGED, storage_location="s3://bucket/x")
    with pytest.raises(NotImitated, match="EXTERNAL"):
        client.volumes.create("main", "default", "x", VolumeType.EXTERNAL, storage_location="s3://bucket/x")


def test_a_catalog_is_made_changed_and_deleted(
    client: WorkspaceClient, databricks_local: LocalWorkspace
) -> None:
    name = f"c{uuid.uuid4().hex}"
    # Catalogs share their schemas: what others show too stays.
    table = databricks_local.root / "warehouse/of_all_catalogs"
    table.mkdir(parents=True, exist_ok=True)
    made = client.catalogs.create(name, comment="made by a test")
    assert client.catalogs.get(name.upper()).comment == "made by a test"
    assert [s.name for s in client.schemas.list(name)] == ["default"]
    changed = client.catalogs.update(name, comment="new")
    assert (changed.comment, changed.created_at) == ("new", made.created_at)
    client.schemas.create("more", name)
    with pytest.raises(BadRequest, match=rf"Catalog '{name}' is not empty"):
        client.catalogs.delete(name)
    client.catalogs.delete(name, force=True)
    with pytest.raises(NotFound, match=rf"Catalog '{name}' does not exist\."):
        client.catalogs.get(name)
    with pytest.raises(NotFound):
        client.schemas.get(f"{name}.more")
    table.rmdir()


@pytest.mark.parametrize("name", ["", "a b", "a.b", "../x", "a/b", "a\nb", "n" * 256])
def test_names_that_cannot_be_are_refused(client: WorkspaceClient, name: str) -> None:
    for make in (
        lambda: client.catalogs.create(name),
        lambda: client.schemas.create(name, "main"),
        lambda: client.volumes.create("main", "default", name, VolumeType.MANAGED),
    ):
        with pytest.raises(BadRequest, match="is not a valid name"):
            make()


def test_what_lies_above_must_be_there(client: WorkspaceClient) -> None:
    with pytest.raises(NotFound, match=r"Catalog 'nope' does not exist\."):
        client.schemas.create("x", "nope")
    with pytest.raises(NotFound, match=r"Schema 'main\.nope' does not exist\."):
        client.volumes.create("main", "nope", "x", VolumeType.MANAGED)
    with pytest.raises(NotFound):
        list(client.schemas.list("nope"))


def test_lists_come_in_pages(client: WorkspaceClient, databricks_local: LocalWorkspace, schema: str) -> None:
    name = schema.split(".")[1]
    for number in range(5):
        client.volumes.create("main", name, f"v{number}", VolumeType.MANAGED)
    path = f"/api/2.1/unity-catalog/volumes?catalog_name=main&schema_name={name}&max_results=2"
    first = databricks_local.call("GET", path)
    assert len(first["volumes"]) == 2
    assert first["next_page_token"]
    assert [v.name for v in client.volumes.list("main", name, max_results=2)] == [f"v{n}" for n in range(5)]


def test_the_metastore_is_known(client: WorkspaceClient) -> None:
    current = client.metastores.current()
    assert current.default_catalog_name == "main"
    assert current.metastore_id == client.catalogs.get("main").metastore_id
    assert current.workspace_id == client.get_workspace_id()


def test_a_deleted_volume_is_missing(client: WorkspaceClient, schema: str) -> None:
    client.volumes.create("main", schema.split(".")[1], "gone", VolumeType.MANAGED)
    client.volumes.delete(f"{schema}.gone")
    with pytest.raises(NotFound):
        client.volumes.read(f"{schema}.gone")
