"""A pipeline as an application: what a Python wheel task on Databricks starts."""

import argparse
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from skyspark.app import App
from skyspark.cli.pipelines import add_run_arguments, add_variables, options_of, selection_of
from skyspark.errors import SettingsError
from skyspark.pipeline.plan import make_plan
from skyspark.pipeline.read import load_pipeline
from skyspark.pipeline.run.call import succeeded
from skyspark.pipeline.run.foreground import run_in_foreground
from skyspark.pipeline.run.results import RunResults

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class PipelineApp(App):
    """Runs the tables of a pipeline; subclass it, name it, and name the pipeline's file.

    It takes the arguments of ``skyspark run``, such as ``--tags daily --mode batch --env dev``, but for the
    file. What the file's key ``settings`` names is read from the same package, for the same environment.

    Example:
        ```python
        class StackExchange(PipelineApp):
            name = "stack_exchange"
            config = "pipelines/stack_exchange.yml"


        def main() -> None:
            StackExchange().main()
        ```

    Attributes:
        name: The program's name in ``--help``.
        config: The pipeline's file: its place in the package ``resources``, or a ``Path`` anywhere.
        resources: The import package that holds the file.
    """

    config: ClassVar[str | Path] = "config.yml"
    resources: ClassVar[str] = "resources"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the arguments of a run; call this too from a subclass that adds its own.

        Args:
            parser: The parser to add them to.
        """
        add_variables(parser)
        add_run_arguments(parser)

    def execute(self, argv: Sequence[str] | None = None, spark: "SparkSession | None" = None) -> RunResults:
        """Run the pipeline once, with no exit codes and no change to the log: what tests call.

        Args:
            argv: Arguments, without the program's name. Default: those of the process.
            spark: A session to use. Without one a session is made, with the pipeline's settings, and a local
                one is stopped at the end.

        Returns:
            What became of each table.

        Raises:
            SystemExit: The arguments are wrong (2), or ask for help (0).
            SkySparkError: The file, the selection or the machine is not in order.
            RunFailedError: A table failed; everything that does not need it was made. The results are in it.
            KeyboardInterrupt: After Ctrl-C or SIGTERM.
        """
        args = self._parser().parse_args(argv)
        pipeline = load_pipeline(self._file(), env=args.env, variables=dict(args.var), date=args.date)
        plan = make_plan(pipeline, selection_of(args))
        return succeeded(run_in_foreground(plan, options_of(args), spark=spark, as_json=args.json))

    def _file(self) -> Path:
        if isinstance(self.config, Path):
            return self.config
        try:
            return Path(str(files(self.resources).joinpath(self.config)))
        except ModuleNotFoundError:
            raise SettingsError(
                f"there is no package '{self.resources}' to read {self.config} from: install the project, or "
                "name the package in the application's 'resources'."
            ) from None
