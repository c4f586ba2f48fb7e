"""A pytest plugin: local sessions as Delta's quick start makes them, with Ivy and every default of Spark.

What a test's result hangs on stays as SkySpark sets it (Delta, the warehouse's place, the time zone); all
that is there for speed goes. See https://docs.delta.io/latest/quick-start.html.
"""

from pathlib import Path

from skyspark import local, session, versions
from skyspark.testing import plugin

_KEPT = {
    "spark.sql.extensions",
    "spark.sql.catalog.spark_catalog",
    "spark.sql.sources.default",
    "spark.sql.session.timeZone",
    "spark.sql.warehouse.dir",
}

_tuned = local.local_conf


def _defaults(warehouse: Path) -> dict[str, str]:
    kept = {key: value for key, value in _tuned(warehouse).items() if key in _KEPT}
    delta_spark, _ = versions.installed_spark().jars
    own = {"spark.master": "local[*]", "spark.jars.packages": delta_spark.coordinates, local.JAVA_OPTIONS: ""}
    return kept | own


session.local_conf = _defaults
plugin._FOR_TESTS = plugin._ONE_THREAD = {}
