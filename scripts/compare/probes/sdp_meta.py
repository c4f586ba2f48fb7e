"""Has sdp-meta onboard a file and register its datasets; prints what it asks of the engine as JSON.

The engine is written down, not run: `pyspark.pipelines` of open-source Spark has no expectations.
"""

import json
import sys
from pathlib import Path
from typing import Any

from pyspark import pipelines
from skyspark import get_spark

HAS_EXPECTATIONS = hasattr(pipelines, "expect_all_or_drop")
ASKED: list[list[Any]] = []


class Engine:
    """Stands where `pyspark.pipelines` stands and writes down each call."""

    def __getattr__(self, name: str) -> Any:
        def called(*arguments: Any, **options: Any) -> Any:
            plain = {key: value for key, value in options.items() if not callable(value)}
            ASKED.append([name, [a for a in arguments if not callable(a)], plain])
            return lambda function: function

        return called


def main(place: Path) -> None:
    """Onboard one flow with expectations, quarantine and history; print what is registered."""
    spark = get_spark()
    spark.sql("CREATE DATABASE IF NOT EXISTS meta")
    frame = spark.createDataFrame([(1, 5), (2, -1)], "id INT, amount INT")
    frame.write.format("delta").save(str(place / "landing"))
    (place / "dqe.json").write_text(
        json.dumps(
            {
                "expect": {"small": "amount < 100"},
                "expect_or_drop": {"positive": "amount > 0"},
                "expect_or_fail": {"known": "id IS NOT NULL"},
                "expect_or_quarantine": {"keyed": "id > 0"},
            }
        )
    )
    (place / "silver.json").write_text(
        json.dumps([{"target_table": "history", "select_exp": ["id", "amount"]}])
    )
    flow = {
        "data_flow_id": "1",
        "data_flow_group": "A",
        "source_format": "delta",
        "source_details": {
            "source_path_dev": str(place / "landing"),
            "source_database": "x",
            "source_table": "y",
        },
        "bronze_database_dev": "meta",
        "bronze_table": "orders",
        "bronze_table_path_dev": str(place / "bronze"),
        "bronze_reader_options": {},
        "bronze_data_quality_expectations_json_dev": str(place / "dqe.json"),
        "bronze_database_quarantine_dev": "meta",
        "bronze_quarantine_table": "orders_quarantine",
        "bronze_quarantine_table_path_dev": str(place / "quarantine"),
        "silver_database_dev": "meta",
        "silver_table": "history",
        "silver_table_path_dev": str(place / "silver"),
        "silver_transformation_json_dev": str(place / "silver.json"),
        "silver_cdc_apply_changes": {"keys": ["id"], "sequence_by": "amount", "scd_type": "2"},
    }
    (place / "onboarding.json").write_text(json.dumps([flow]))
    from databricks.labs.sdp_meta import dataflow_pipeline, pipeline_writers
    from databricks.labs.sdp_meta.onboard_dataflowspec import OnboardDataflowspec

    names = {
        "onboarding_file_path": str(place / "onboarding.json"),
        "database": "meta",
        "env": "dev",
        "import_author": "compare",
        "version": "v1",
        "overwrite": "True",
    }
    for layer in ("bronze", "silver"):
        names |= {
            f"{layer}_dataflowspec_table": layer,
            f"{layer}_dataflowspec_path": str(place / f"spec_{layer}"),
        }
    OnboardDataflowspec(spark, names).onboard_dataflow_specs()
    onboarded = spark.table("meta.bronze").count() + spark.table("meta.silver").count()
    dataflow_pipeline.dp = pipeline_writers.dp = Engine()
    spark.conf.set("layer", "bronze_silver")
    frame.write.format("delta").mode("overwrite").saveAsTable("meta.orders")
    for layer in ("bronze", "silver"):
        spark.conf.set(f"{layer}.group", "A")
        spark.conf.set(f"{layer}.dataflowspecTable", f"meta.{layer}")
        dataflow_pipeline.DataflowPipeline.invoke_dlt_pipeline(spark, layer)
    found = {"onboarded": onboarded, "asked": ASKED, "open_source_expectations": HAS_EXPECTATIONS}
    Path(place / "found.json").write_text(json.dumps(found, default=str))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
