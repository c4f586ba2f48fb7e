"""``skyspark graph``."""

import argparse
import sys
from pathlib import Path

from skyspark.atomic import write_text
from skyspark.cli.pipelines import pipeline_of, selection_of
from skyspark.errors import OutputError
from skyspark.pipeline.draw.dot import dot
from skyspark.pipeline.draw.lineage import lineage
from skyspark.pipeline.draw.mermaid import mermaid
from skyspark.pipeline.plan import Plan, make_plan

_ENDINGS = {
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
    ".dot": "dot",
    ".gv": "dot",
    ".html": "html",
    ".htm": "html",
}


def run(args: argparse.Namespace) -> int:
    """Draw the pipeline, to a file or to the terminal.

    Returns:
        The exit code.

    Raises:
        PipelineError: The pipeline's file is wrong.
        SelectionError: The selectors are wrong or select nothing.
        OutputError: The file cannot be written, or its ending says no form.
    """
    form = _form(args.format, args.output)
    drawn = _draw(make_plan(pipeline_of(args), selection_of(args)), form)
    if args.output is None:
        sys.stdout.write(drawn)
    else:
        write_text(args.output, drawn)
    return 0


def _form(asked: str | None, output: Path | None) -> str:
    if asked is not None:
        return asked
    if output is None:
        return "mermaid"
    form = _ENDINGS.get(output.suffix.lower())
    if form is None:
        raise OutputError(
            f"the ending of {output.name} says no form: use one of {', '.join(_ENDINGS)}, or add --format."
        )
    return form


def _draw(plan: Plan, form: str) -> str:
    if form == "html":
        from skyspark.pipeline.draw.page import page

        return page(plan)
    drawn = lineage(plan)
    return mermaid(drawn) if form == "mermaid" else dot(drawn, plan.pipeline.name)
