"""Pipelines of tables: one model that is planned, run, registered, written as SQL and deployed."""
