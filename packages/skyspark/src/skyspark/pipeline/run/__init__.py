"""Making the tables of a pipeline on one Spark session."""
