"""The wheels a Databricks cluster needs beyond what its runtime brings, made on any machine."""

from skyspark.wheels.package import Packaged, package_wheels

__all__ = ["Packaged", "package_wheels"]
