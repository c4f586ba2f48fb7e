"""``skyspark schema``."""

import argparse
import json
import sys

from skyspark.atomic import write_text
from skyspark.pipeline.file_schema import json_schema


def run(args: argparse.Namespace) -> int:
    """Print the JSON Schema of a pipeline's file, or write it.

    Returns:
        The exit code.

    Raises:
        OutputError: The file cannot be written.
    """
    schema = json.dumps(json_schema(args.form), indent=1) + "\n"
    if args.output is None:
        sys.stdout.write(schema)
    else:
        write_text(args.output, schema)
    return 0
