"""SkySpark: PySpark applications that run the same on a laptop and on Databricks."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skyspark.app import SparkApp as SparkApp
    from skyspark.errors import SkySparkError as SkySparkError
    from skyspark.pipeline.app import PipelineApp as PipelineApp
    from skyspark.pipeline.functions import table as table
    from skyspark.pipeline.run.call import run_pipeline as run_pipeline
    from skyspark.schema import TableContract as TableContract
    from skyspark.session import get_spark as get_spark
    from skyspark.settings import Settings as Settings
    from skyspark.settings import load_settings as load_settings

__version__ = "0.3.0"

_HOMES = {
    "PipelineApp": "skyspark.pipeline.app",
    "Settings": "skyspark.settings",
    "SkySparkError": "skyspark.errors",
    "SparkApp": "skyspark.app",
    "TableContract": "skyspark.schema",
    "get_spark": "skyspark.session",
    "load_settings": "skyspark.settings",
    "run_pipeline": "skyspark.pipeline.run.call",
    "table": "skyspark.pipeline.functions",
}

__all__ = [
    "PipelineApp",
    "Settings",
    "SkySparkError",
    "SparkApp",
    "TableContract",
    "get_spark",
    "load_settings",
    "run_pipeline",
    "table",
]


def __getattr__(name: str) -> Any:
    # The pytest plugin and the command line import this package too: neither may pay for pydantic or PySpark.
    if name not in _HOMES:
        raise AttributeError(f"module 'skyspark' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
