"""Every error SkySpark raises on purpose: one hierarchy, one sentence each, one exit code each."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skyspark.pipeline.run.results import RunResults


def suggest(name: str, known: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` for a near miss, else nothing.

    Args:
        name: What the user wrote.
        known: What would have been right.
    """
    close = get_close_matches(name.casefold(), {k.casefold(): k for k in known}, n=1, cutoff=0.6)
    return f" (did you mean '{next(k for k in known if k.casefold() == close[0])}'?)" if close else ""


class SkySparkError(Exception):
    """Base of all SkySpark errors; its text is a sentence for the person who runs the program."""

    exit_code = 1


class SettingsError(SkySparkError):
    """Settings are missing, malformed or refused by their type."""

    exit_code = 2


class EnvironmentNotReadyError(SkySparkError):
    """The machine lacks something that a local Spark session needs."""


class JavaNotFoundError(EnvironmentNotReadyError):
    """No usable Java was found."""


class SparkNotFoundError(EnvironmentNotReadyError):
    """PySpark is not installed, or in a version SkySpark knows no Delta release for."""


class JarsNotFoundError(EnvironmentNotReadyError):
    """The Delta jars are not in the cache."""


class JarsFetchError(SkySparkError):
    """The Delta jars could not be fetched or are not what was pinned."""


class WarmError(SkySparkError):
    """The class data archive could not be made."""


class WheelsError(SkySparkError):
    """The dependency wheels of a project could not be put together."""


class OutputError(SkySparkError):
    """A file that was asked for cannot be written, or its name says no form."""

    exit_code = 2


class QueryError(SkySparkError):
    """A query or condition in SQL does not parse, or is not of the kind that is wanted."""

    exit_code = 2


class PipelineError(SkySparkError):
    """A pipeline's file is wrong.

    Attributes:
        problems: All that was found, one sentence each, with file, line and key.
    """

    exit_code = 2

    def __init__(self, problems: Iterable[object]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class SelectionError(SkySparkError):
    """What was asked for selects nothing, or is no selection."""

    exit_code = 2


class StreamingError(SkySparkError):
    """A table asks of a stream what streaming cannot do."""

    exit_code = 2


class TransformationError(SkySparkError):
    """A transformation could not be called or did not return a frame."""


class ExpectationFailedError(SkySparkError):
    """Rows break an expectation whose action is ``fail``: nothing was written."""


class RunFailedError(SkySparkError):
    """A run ended and tables were not made.

    Attributes:
        results: What became of each table.
    """

    def __init__(self, sentence: str, results: "RunResults") -> None:
        super().__init__(sentence)
        self.results = results


class RunStateError(SkySparkError):
    """The results or checkpoints of an earlier run do not fit this one."""

    exit_code = 2


class UsageError(SkySparkError):
    """The arguments of a command do not go together, or with where it runs."""

    exit_code = 2


class DeployError(SkySparkError):
    """A workspace refused what was to be deployed, or could not be reached."""


class TableError(SkySparkError):
    """Base of the errors about one table.

    Attributes:
        table: The table's name as the caller gave it.
    """

    def __init__(self, table: str, sentence: str) -> None:
        super().__init__(f"table {table}: {sentence}")
        self.table = table


class TableNameError(TableError):
    """The text is no table name."""


class WriteModeError(TableError):
    """The mode is unknown, or does not go with the other arguments."""


class TableExistsError(TableError):
    """The table is there already and the mode is "error"."""


class TableNotFoundError(TableError):
    """The table does not exist."""


class TableLayoutError(TableError):
    """Partitioning or clustering contradict the table that exists."""


class ColumnNotFoundError(TableError):
    """A named column is not in the frame or the table."""


class SchemaMismatchError(TableError):
    """Columns or types of a frame do not fit the table."""


class MergeKeyError(TableError):
    """The keys of a merge hold NULL or are not unique."""


class ConstraintViolationError(TableError):
    """A row breaks a CHECK or NOT NULL constraint of the table."""


class ReplaceWhereError(TableError):
    """A row lies outside the part that is to be replaced, or the predicate is wrong."""


class ConcurrentWriteError(TableError):
    """Another writer changed the table in the meantime."""
