"""Airflow operators that run SkySpark apps on Databricks, from an image or from a bundle."""

# Airflow looks for providers while it is itself being imported: nothing of it may be imported here.

__version__ = "0.1.0"
