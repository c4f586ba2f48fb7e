"""The frame of an application: arguments, log, exit code, and mostly settings and a session."""

import argparse
import inspect
import logging
import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from skyspark.errors import RunFailedError, SkySparkError
from skyspark.logs import configure_logging
from skyspark.session import on_databricks, program_session
from skyspark.settings import Settings, load_settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

log = logging.getLogger("skyspark.app")

INTERRUPTED = 130


class App:
    """What is started by name on Databricks and on a laptop, and tells by its exit code what came of it.

    Attributes:
        name: The program's name in ``--help`` and in its log.
    """

    name: ClassVar[str]

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the application's own arguments; ``--env`` is always there.

        Args:
            parser: The parser to add them to.
        """

    def execute(self, argv: Sequence[str] | None = None, spark: "SparkSession | None" = None) -> object:
        """Run the application once, with no exit codes and no change to the log: what tests call.

        Args:
            argv: Arguments, without the program's name. Default: those of the process.
            spark: A session to use. Without one, a session is made, and a local one is stopped at the end.
        """
        raise NotImplementedError(f"{type(self).__name__} has no execute method")

    def main(self, argv: Sequence[str] | None = None) -> None:
        """Run the application as a process: the function an entry point calls.

        Returns normally on success: a Python wheel task on Databricks takes every SystemExit for a failure.
        There, a failure is raised again so that the run's page shows it.

        Args:
            argv: Arguments, without the program's name. Default: those of the process.

        Raises:
            SystemExit: 2 for wrong arguments or settings, 1 for a failure, 130 after Ctrl-C.
        """
        configure_logging(app=self.name)
        started = time.monotonic()
        try:
            self.execute(argv)
        except KeyboardInterrupt:
            log.error("%s was interrupted", self.name)  # noqa: TRY400 - a trace of Ctrl-C says nothing
            raise SystemExit(INTERRUPTED) from None
        except SkySparkError as error:
            # Wrong settings are the user's to mend, and of a failed table a trace from here shows nothing: it
            # would bury the sentence.
            traced = error.exit_code == 1 and not isinstance(error, RunFailedError)
            log.log(logging.ERROR, "%s failed: %s", self.name, error, exc_info=traced)
            if on_databricks():
                raise
            raise SystemExit(error.exit_code) from None
        except Exception as error:
            reason = (str(error).splitlines() or [""])[0]
            log.exception("%s failed: %s: %s", self.name, type(error).__name__, reason)
            if on_databricks():
                raise
            raise SystemExit(1) from None
        log.info("%s succeeded in %.1f s", self.name, time.monotonic() - started)

    def _parser(self) -> argparse.ArgumentParser:
        parser = argparse.ArgumentParser(
            prog=self.name,
            description=inspect.cleandoc(type(self).__doc__ or ""),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        parser.add_argument(
            "--env",
            default=os.environ.get("SKYSPARK_ENV") or "local",
            help="environment whose settings apply (default: SKYSPARK_ENV, else local)",
        )
        self.add_arguments(parser)
        return parser


class SparkApp(App):
    """A Spark application; subclass it, name it, and write ``run``.

    Example:
        ```python
        class Medallion(SparkApp):
            name = "medallion"

            def run(self, spark, settings, args):
                save_delta_table(spark.range(3), settings.table("numbers"))


        def main() -> None:
            Medallion().main()
        ```

    Attributes:
        name: Spark's application name, and the program's name in ``--help``.
        settings_type: The class of the settings.
        resources: The import package that holds ``settings/base.yaml``, ``settings/dev.yaml`` and so on.
    """

    settings_type: ClassVar[type[Settings]] = Settings
    resources: ClassVar[str] = "resources"

    def run(self, spark: "SparkSession", settings: Settings, args: argparse.Namespace) -> None:
        """Do the work; every application writes this one.

        Args:
            spark: The session.
            settings: The settings of the environment, an instance of ``settings_type``.
            args: The parsed arguments.
        """
        raise NotImplementedError(f"{type(self).__name__} has no run method")

    def execute(self, argv: Sequence[str] | None = None, spark: "SparkSession | None" = None) -> None:
        """Run the application once, with no exit codes and no change to the log: what tests call.

        Args:
            argv: Arguments, without the program's name. Default: those of the process.
            spark: A session to use. Without one, a session is made, and a local one is stopped at the end.

        Raises:
            SystemExit: The arguments are wrong (2), or ask for help (0).
            SkySparkError: The settings or the machine are not in order.
        """
        args = self._parser().parse_args(argv)
        settings = load_settings(self.settings_type, self.resources, args.env)
        if spark is not None:
            self.run(spark, settings, args)
            return
        with program_session(self.name) as session:
            self.run(session, settings, args)
