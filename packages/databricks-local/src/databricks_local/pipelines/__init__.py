"""Lakeflow's declarative pipelines: kept, shown, and run by open-source Spark."""
