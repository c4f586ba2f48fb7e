"""The frame of a Spark application: arguments, settings, log, session, exit code."""

import argparse
import inspect
import logging
import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from skyspark.errors import SkySparkError
from skyspark.logs import configure_logging
from skyspark.session import get_spark, on_connect, on_databricks
from skyspark.settings import Settings, load_settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

log = logging.getLogger("skyspark.app")

INTERRUPTED = 130


class SparkApp:
    """A Spark application; subclass it, name it, and write ``run``.

    Example::

        class Medallion(SparkApp):
            name = "medallion"

            def run(self, spark, settings, args):
                save_delta_table(spark.range(3), settings.table("numbers"))


        def main() -> None:
            Medallion().main()

    Attributes:
        name: Spark's application name, and the program's name in ``--help``.
        settings_type: The class of the settings.
        resources: The import package that holds ``settings/base.yaml``, ``settings/dev.yaml`` and so on.
    """

    name: ClassVar[str]
    settings_type: ClassVar[type[Settings]] = Settings
    resources: ClassVar[str] = "resources"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the application's own arguments; ``--env`` is always there.

        Args:
            parser: The parser to add them to.
        """

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
        session = get_spark(self.name)
        try:
            self.run(session, settings, args)
        finally:
            # A cluster's session belongs to the cluster: stopping it there breaks what runs beside and after.
            if not on_databricks() and not on_connect():
                session.stop()

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
            # Wrong settings are the user's to mend: a trace would bury the sentence.
            log.log(logging.ERROR, "%s failed: %s", self.name, error, exc_info=error.exit_code == 1)
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
