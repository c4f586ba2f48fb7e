"""``skyspark sql``."""

import argparse
import sys
from pathlib import Path

from skyspark.atomic import write_text
from skyspark.cli.pipelines import pipeline_of, selection_of
from skyspark.errors import OutputError
from skyspark.pipeline.plan import make_plan
from skyspark.pipeline.sql import SqlFile, generate, header


def run(args: argparse.Namespace) -> int:
    """Write the pipeline as SQL, into a folder or to the terminal; notes go to standard error.

    Returns:
        The exit code.

    Raises:
        PipelineError: The pipeline's file is wrong, or tables have no equal in SQL.
        SelectionError: The selectors are wrong or select nothing.
        StreamingError: Tables ask of a stream what streaming cannot do.
        OutputError: The files cannot be written.
    """
    plan = make_plan(pipeline_of(args), selection_of(args))
    files = generate(plan, args.dialect, per_table=args.per_table, strict=args.strict)
    for file in files:
        sys.stderr.writelines(f"note: {note}\n" for note in file.notes)
    if args.output is None:
        sys.stdout.write("\n".join(file.text for file in files))
    else:
        _write(args.output, files, header(plan.pipeline.name))
    return 0


def _write(folder: Path, files: list[SqlFile], mark: str) -> None:
    """Write files into a folder in which nothing else is touched but what an earlier run left there."""
    try:
        there = {path: _first_line(path) for path in sorted(folder.glob("*.sql"))}
        for file in files:
            path = folder / file.path
            if path.exists() and there.get(path) != mark:
                raise OutputError(
                    f"{path} was not generated from this pipeline: move it, or name another folder."
                )
        for file in files:
            write_text(folder / file.path, file.text)
            sys.stdout.write(f"wrote {folder / file.path}\n")
        written = {folder / file.path for file in files}
        for path, line in there.items():
            if line == mark and path not in written:
                path.unlink()
                sys.stdout.write(f"removed {path}: no table of the pipeline is in it any more\n")
    except OSError as error:
        raise OutputError(f"{folder} cannot be written to: {error.strerror or error}.") from error


def _first_line(path: Path) -> str:
    if path.is_symlink() or not path.is_file():
        return ""
    with path.open(encoding="utf-8", errors="replace") as lines:
        return lines.readline().rstrip("\n")
