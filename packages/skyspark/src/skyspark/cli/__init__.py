"""The ``skyspark`` command: what a laptop or a CI machine needs around the framework."""

from skyspark.cli.main import main

__all__ = ["main"]
