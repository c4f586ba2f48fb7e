"""``skyspark validate``."""

import argparse
import json
import sys
from dataclasses import asdict

from skyspark.cli.pipelines import pipeline_of, selection_of
from skyspark.pipeline.plan import make_plan
from skyspark.pipeline.validate import validate


def run(args: argparse.Namespace) -> int:
    """Dry-run the pipeline and print what the engine does not accept; notes go to standard error.

    Returns:
        The exit code: 1 when there are problems.

    Raises:
        PipelineError: The pipeline's file is wrong.
        SelectionError: The selectors are wrong or select nothing.
        StreamingError: Tables ask of a stream what streaming cannot do.
        EnvironmentNotReadyError: There is no engine and none can be made.
    """

    def say(line: str) -> None:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    plan = make_plan(pipeline_of(args), selection_of(args))
    found = validate(plan, args.config, registered=args.registered, say=say)
    sys.stderr.writelines(f"note: {note}\n" for note in found.notes)
    if args.json:
        answer = {
            "pipeline": plan.pipeline.name,
            "spark": found.spark,
            "problems": [asdict(problem) for problem in found.problems],
            "notes": list(found.notes),
        }
        sys.stdout.write(json.dumps(answer, indent=1) + "\n")
    elif found.problems:
        sys.stdout.writelines(f"{problem}\n" for problem in found.problems)
    else:
        sys.stdout.write(f"{plan.pipeline.name}: Spark {found.spark} accepts {len(plan.tables)} tables\n")
    return 1 if found.problems else 0
