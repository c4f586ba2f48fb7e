"""Payloads of Databricks' Jobs API, built by functions that know nothing of Airflow.

The fields are those of https://docs.databricks.com/api/workspace/jobs/submit and of the operations beside it.
"""
