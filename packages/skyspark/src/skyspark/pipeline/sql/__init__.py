"""A pipeline written as SQL for a declarative engine."""

from skyspark.pipeline.sql.generate import SqlFile, generate, header

__all__ = ["SqlFile", "generate", "header"]
