"""A pipeline in a Databricks workspace: its files, its Lakeflow pipeline and its job."""
