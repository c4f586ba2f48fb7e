"""SkySpark: PySpark applications that run the same on a laptop and on Databricks."""

__version__ = "0.1.0"
