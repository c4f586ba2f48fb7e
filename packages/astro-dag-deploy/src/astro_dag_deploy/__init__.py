"""An AWS Lambda that ships the DAGs of many repositories to Astronomer, and loses none."""

__version__ = "0.1.0"
