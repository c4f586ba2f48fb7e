"""The shape of what is read and of each table that is written."""
