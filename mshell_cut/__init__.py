"""mshell-cut: cuts Databricks/Spark projects from templates and keeps them up to date."""

__version__ = "0.3.0"
