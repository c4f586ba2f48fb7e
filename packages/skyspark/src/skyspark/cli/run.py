"""``skyspark run``."""

import argparse
import logging

from skyspark.cli.pipelines import options_of, pipeline_of, selection_of
from skyspark.logs import configure_logging
from skyspark.pipeline.plan import make_plan
from skyspark.pipeline.run.foreground import run_in_foreground


def run(args: argparse.Namespace) -> int:
    """Make the tables, showing how it goes.

    Returns:
        The exit code: 1 when a table was not made.

    Raises:
        SkySparkError: The file, the selection or the machine is not in order.
        KeyboardInterrupt: After Ctrl-C or SIGTERM; what was done is reported.
    """
    plan = make_plan(pipeline_of(args), selection_of(args))
    handler = configure_logging(pipeline=plan.pipeline.name)
    try:
        results = run_in_foreground(plan, options_of(args), as_json=args.json)
    finally:
        logging.getLogger().removeHandler(handler)
    return 0 if results.status == "succeeded" else 1
