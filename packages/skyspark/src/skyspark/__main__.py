"""``python -m skyspark``: the ``skyspark`` command, for when its script is not on PATH."""

from skyspark.cli import main

main()
