"""The tables of `resources/config.yml` as datasets of a Lakeflow pipeline."""

from pyspark.sql import SparkSession
from skyspark.lakeflow import register

register(SparkSession.active(), "../resources/config.yml")
