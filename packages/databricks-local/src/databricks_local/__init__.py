"""A Databricks workspace on localhost that real clients accept and that really runs the jobs."""

__version__ = "0.1.0"
