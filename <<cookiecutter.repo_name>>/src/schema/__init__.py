"""The shape of each table."""
