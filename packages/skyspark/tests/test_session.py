"""Sessions: local, on a cluster, and through Spark Connect."""

import pytest
from skyspark import get_spark
from skyspark.local import local_conf, local_cores, register_tables
from skyspark.testing import assert_frame_equal

pytestmark = pytest.mark.spark_matrix


def test_a_local_session_has_delta_and_is_tuned(spark, warehouse):
    assert spark.conf.get("spark.sql.shuffle.partitions") == "1"
    assert spark.conf.get("spark.sql.session.timeZone") == "UTC"
    spark.sql("CREATE TABLE t (id int)")
    assert spark.sql("DESCRIBE DETAIL t").first().format == "delta"


def test_the_session_there_is_is_returned(spark):
    assert get_spark("another") is spark


def test_a_table_whose_first_write_was_broken_off_is_none(spark, tmp_path):
    (tmp_path / "broken_off.db" / "t" / "_delta_log" / "_staged_commits").mkdir(parents=True)
    register_tables(spark, tmp_path)
    assert not spark.catalog.tableExists("broken_off.t")


def test_cores_can_be_named(clean_env):
    assert 1 <= local_cores() <= 4
    clean_env.setenv("SKYSPARK_LOCAL_CORES", "2")
    assert local_cores() == 2


def test_jars_are_named_by_path_and_never_by_coordinates(tmp_path):
    conf = local_conf(tmp_path)
    assert conf["spark.driver.extraClassPath"].count(".jar") == 2
    assert not {"spark.jars.packages", "spark.jars.repositories"} & set(conf)


def test_a_cluster_is_left_as_it_is(clean_env, spark):
    clean_env.setenv("DATABRICKS_RUNTIME_VERSION", "17.3")
    clean_env.setenv("SKYSPARK_CACHE_DIR", "/nonexistent")
    clean_env.setenv("JAVA_HOME", "/nonexistent")
    before = dict(spark.sparkContext.getConf().getAll())
    assert get_spark(conf={"spark.sql.ansi.enabled": "true"}) is spark
    assert dict(spark.sparkContext.getConf().getAll()) == before


def test_each_test_has_its_own_empty_schema(spark, warehouse, tmp_path):
    assert spark.catalog.currentDatabase() == warehouse
    assert spark.catalog.listTables() == []
    spark.range(1).createOrReplaceTempView("seen_by_one_test")
    spark.range(1).write.saveAsTable("t")
    assert (tmp_path / f"{warehouse}.db" / "t" / "_delta_log").is_dir()


def test_the_next_test_sees_nothing_of_it(spark, warehouse):
    assert spark.catalog.listTables() == []


def test_frames_are_compared_in_any_order(spark):
    frame = spark.createDataFrame([(1, 0.1), (2, None)], "id int, x double")
    assert_frame_equal(frame, frame.orderBy("id", ascending=False))
    assert_frame_equal(frame, [(2, None), (1, 0.1 + 1e-12)])
    assert_frame_equal(frame, [{"id": 2, "x": None}, {"id": 1, "x": 0.1}])
    assert_frame_equal(frame.select("x", "id"), frame, check_column_order=False)
    for other in ([(1, 0.2), (2, None)], frame.select("x", "id"), frame.limit(1)):
        with pytest.raises(Exception, match="DIFFERENT"):
            assert_frame_equal(frame, other)
    with pytest.raises(Exception, match="DIFFERENT"):
        assert_frame_equal(frame, [(2, None), (1, 0.1)], check_row_order=True)
