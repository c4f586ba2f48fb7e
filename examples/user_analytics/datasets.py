"""The datasets of this pipeline, for Lakeflow or ``spark-pipelines``."""

from pathlib import Path

from pyspark.sql import SparkSession
from skyspark import lakeflow

lakeflow.register(SparkSession.active(), Path(__file__).with_name("config.yml"))
