"""The entry of the ``skyspark`` command: one verb, one module, each imported only when it runs."""

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path

from skyspark import __version__
from skyspark.cli import pipelines
from skyspark.errors import SkySparkError

_EXAMPLES = """\
examples:
  skyspark jars fetch                      once on each machine: put the Delta jars into the cache
  skyspark warm                            once on each machine: halve the start of local sessions
  skyspark doctor                          is this machine ready?
  skyspark wheels -r requirements.txt --runtime 17.3
                                           the wheels a Databricks cluster needs
  skyspark plan config.yml --tags daily    which tables would be made, in which order
  skyspark run config.yml --tags daily     make them

Exit codes: 0 done, 1 it could not be done, 2 the arguments or a file of the project are wrong, 130 stopped.
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command.

    Args:
        argv: Arguments, without the program's name. Default: those of the process.

    Raises:
        SystemExit: 2 for wrong arguments, 1 for a failure (one sentence on standard error), 130 after Ctrl-C.
    """
    args = make_parser().parse_args(argv)
    run: Callable[[argparse.Namespace], int] = import_module(args.module).run
    try:
        code = run(args)
    except SkySparkError as error:
        sys.stderr.write(f"error: {error}\n")
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except BrokenPipeError:
        raise SystemExit(1) from None
    if code:
        raise SystemExit(code)


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands; each names the module that carries it out."""
    parser = argparse.ArgumentParser(
        prog="skyspark",
        description="Pipelines of tables, local Spark with Delta, and the wheels a Databricks cluster needs.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"skyspark {__version__}")
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_jars(verbs)
    _add_warm(verbs)
    _add_doctor(verbs)
    _add_wheels(verbs)
    for add_verb in pipelines.ALL:
        add_verb(partial(_add, verbs))
    return parser


def _add(
    verbs: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    module: str,
    summary: str,
    examples: str,
) -> argparse.ArgumentParser:
    parser = verbs.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(module=f"skyspark.cli.{module}")
    return parser


def _add_jars(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    summary = "the Delta jars that local sessions use"
    jars = verbs.add_parser("jars", help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
    actions = jars.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add(
        actions,
        "fetch",
        "jars",
        "put the Delta jars for the installed Spark into the cache, unless they are there",
        "  skyspark jars fetch\n"
        "  DEFAULT_ARTIFACT_REPOSITORY=<your mirror> skyspark jars fetch\n"
        "  SKYSPARK_CACHE_DIR=/opt/cache skyspark jars fetch",
    )
    _add(
        actions,
        "list",
        "jars_list",
        "print the paths of the Delta jars for the installed Spark, one a line",
        "  skyspark jars list",
    )


def _add_warm(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    warm = _add(
        verbs,
        "warm",
        "warm",
        "make the class data archive with which local sessions start in half the time",
        "  skyspark warm\n  skyspark warm --force",
    )
    warm.add_argument("--force", action="store_true", help="make it anew even if it is there")


def _add_doctor(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    doctor = _add(
        verbs,
        "doctor",
        "doctor",
        "say whether Java, Python, Spark, the Delta jars and a write to Delta work on this machine",
        "  skyspark doctor\n  skyspark doctor --json",
    )
    doctor.add_argument("--json", action="store_true", help="print the checks as JSON")


def _add_wheels(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    wheels = _add(
        verbs,
        "wheels",
        "wheels",
        "collect the wheels a Databricks cluster needs beyond what its runtime brings",
        "  skyspark wheels -r requirements.txt --runtime 17.3\n"
        "  skyspark wheels -r requirements.txt --runtime 18 --ml --find-links vendor\n"
        "  skyspark wheels -r requirements.txt --runtime 17.3.x-cpu-ml-scala2.13 -o dependency_wheels",
    )
    wheels.add_argument(
        "-r",
        dest="requirement",
        metavar="FILE",
        type=Path,
        action="append",
        required=True,
        help="requirements to collect (repeatable)",
    )
    wheels.add_argument("--runtime", required=True, help="such as 17.3, 18 or a spark_version key")
    wheels.add_argument("--ml", action="store_true", help="the runtime's variant for machine learning")
    wheels.add_argument(
        "--find-links",
        metavar="DIR",
        type=Path,
        action="append",
        default=[],
        help="folder with wheels that no index has (repeatable)",
    )
    wheels.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        type=Path,
        default=Path("dependency_wheels"),
        help="folder for the wheels (default: dependency_wheels)",
    )
    wheels.add_argument(
        "--requirements",
        metavar="FILE",
        type=Path,
        default=Path("requirements-dabs.txt"),
        help="list of what is in the folder, to write (default: requirements-dabs.txt)",
    )
