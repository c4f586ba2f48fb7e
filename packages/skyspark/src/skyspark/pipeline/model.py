"""What a pipeline is: tables with their inputs, transformations, expectations and targets.

The field names are the keys of ``config.yml``. Nothing here reads a file or imports PySpark: the reader
fills these classes, and plan, run, register, SQL and deploy read them.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal, Self

from pydantic import AliasChoices, Field, model_validator

from skyspark.identifiers import TableName
from skyspark.pipeline.base import KeyConflictError, Model, Names, Options
from skyspark.pipeline.expectations import Expectation
from skyspark.pipeline.transformations import SOURCE, Transformation

Layer = Literal["bronze", "silver", "gold"]
Mode = Literal["batch", "streaming"]
Format = Literal["delta", "parquet", "csv", "json", "xml"]
WriteMode = Literal["append", "overwrite", "overwrite_partitions", "merge"]


class Source(Model):
    """Data from outside the pipeline.

    Attributes:
        format: The format of the files, also under the key ``type``; a ``table`` needs none.
        path: File, folder or URI. Exactly one of ``path`` and ``table`` is given.
        table: A table that this pipeline does not make.
        options: Options of Spark's reader, such as ``header`` or ``rowTag``.
        columns: The columns as DDL, such as ``id INT, at TIMESTAMP``; key ``schema`` in YAML.
        dimension: Read as a whole even where the table that reads it is streaming.
    """

    format: Format = Field(default="delta", validation_alias=AliasChoices("format", "type"))
    path: str | None = None
    table: str | None = None
    options: Options = Field(default_factory=dict)
    columns: str | None = Field(default=None, alias="schema")
    dimension: bool = False

    @model_validator(mode="after")
    def _one_place(self) -> "Source":
        if (self.path is None) == (self.table is None):
            raise ValueError("name either the path or the table to read")
        if self.table is not None and self.format != "delta":
            raise KeyConflictError("format", f"a table is read as it is: leave out '{self.format}'")
        return self


class Watermark(Model):
    """How late the rows of a stream may come.

    Attributes:
        column: The column with the time of the event.
        delay: An interval, such as ``10 minutes``.
        input: The input it is about; default: every streaming input that has the column.
    """

    column: str
    delay: str
    input: str | None = None


class Incremental(Model):
    """A batch table that reads only rows newer than those it has.

    Attributes:
        column: A column of the input and of the table; what is above its maximum in the table is new.
        input: The input it is about; default: the only one.
        lookback: An interval, such as ``1 day``, that is read again; for ``merge`` only.
    """

    column: str
    input: str | None = None
    lookback: str | None = None


class Target(Model):
    """Where a table is written and how.

    Attributes:
        catalog: Default: the pipeline's.
        schema_name: Default: the pipeline's; key ``schema`` in YAML.
        table: The table's name in the catalog; default: its name in the pipeline.
        mode: Default: ``overwrite`` for batch tables, ``append`` for streaming ones.
        keys: The columns that identify a row, for ``merge``.
        sequence_by: For ``merge``: the column that orders the rows of a key.
        delete_where: For ``merge``: the condition on rows that delete their key.
        exclude_columns: For ``merge``: columns that are not stored.
        scd_type: For ``merge``: 1 keeps the latest row, 2 the history.
        replace_where: For ``overwrite``: the part of the table that is replaced, such as ``day = '${date}'``.
        partition_by: Partition columns.
        cluster_by: Liquid clustering columns, at most four; not together with ``partition_by``.
        optimize: Compact the files after writing.
        zorder: Columns to order by while compacting; implies ``optimize``.
        properties: Delta table properties.
        quarantine: The name of the table that gets the rows which expectations dropped; ``true`` names it
            ``<table>_quarantine``.
    """

    catalog: str | None = None
    schema_name: str | None = Field(default=None, alias="schema")
    table: str | None = None
    mode: WriteMode | None = None
    keys: Names = ()
    sequence_by: str | None = None
    delete_where: str | None = None
    exclude_columns: Names = ()
    scd_type: Literal[1, 2] = 1
    replace_where: str | None = None
    partition_by: Names = ()
    cluster_by: Names = ()
    optimize: bool = False
    zorder: Names = ()
    properties: Options = Field(default_factory=dict)
    quarantine: bool | str = False

    @model_validator(mode="after")
    def _goes_together(self) -> "Target":
        if self.mode == "merge" and not self.keys:
            raise KeyConflictError("mode", "merge needs keys: name the columns that identify a row")
        if self.mode != "merge":
            given = {"sequence_by", "delete_where", "exclude_columns", "scd_type"} & self.model_fields_set
            if given:
                raise KeyConflictError(min(given), f"{', '.join(sorted(given))} goes with mode: merge only")
        if self.replace_where is not None and self.mode not in (None, "overwrite"):
            raise KeyConflictError("replace_where", "it goes with mode: overwrite only")
        if self.partition_by and self.cluster_by:
            raise KeyConflictError("cluster_by", "a table has partition_by or cluster_by, not both")
        if len(self.cluster_by) > 4:
            raise KeyConflictError("cluster_by", "it names at most four columns")
        if self.zorder and self.cluster_by:
            raise KeyConflictError("zorder", "a table with cluster_by needs no zorder")
        if self.mode == "overwrite_partitions" and not self.partition_by:
            raise KeyConflictError("mode", "overwrite_partitions needs partition_by")
        return self


class Table(Model):
    """One dataset of a pipeline.

    Attributes:
        name: Its name in the pipeline, by which others depend on it and select it.
        layer: ``bronze``, ``silver`` or ``gold``.
        tags: What it can be selected by.
        depends_on: The tables of this pipeline that it reads.
        source: The data from outside that it reads, as the input ``source``.
        transformation: How it is made; default: by the module or file of its name below ``module_root``, else
            its only input is passed on.
        description: The table's comment.
        expectations: What its rows have to meet.
        target: Where and how it is written.
        mode: ``streaming`` reads its inputs as they grow, ``batch`` whole; default: as the run.
        dimension: Read as a whole by streaming tables that depend on it.
        temporary: Not written: a view for the tables that depend on it.
        cache: Whether a temporary dataset is kept in memory; default: by who reads it.
        watermark: How late rows of its streaming inputs may come.
        incremental: Read only what is new, in batch.
    """

    name: str = Field(min_length=1)
    layer: Layer | None = None
    tags: Names = ()
    depends_on: Names = ()
    source: Source | None = None
    transformation: Transformation | None = None
    description: str | None = None
    expectations: tuple[Expectation, ...] = ()
    target: Target = Target()
    mode: Mode | None = None
    dimension: bool = False
    temporary: bool = False
    cache: bool | None = None
    watermark: Watermark | None = None
    incremental: Incremental | None = None

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names by which the transformation knows its inputs: ``source`` if there is one, then the tables."""
        return ((SOURCE,) if self.source is not None else ()) + self.depends_on

    def mode_in(self, default: Mode) -> Mode:
        """Return the mode it has in a run whose tables are ``default`` unless they say otherwise."""
        return self.mode or default

    def write_mode(self, mode: Mode) -> WriteMode:
        """Return how it is written.

        Args:
            mode: Its mode in this run.
        """
        if self.target.mode is not None:
            return self.target.mode
        return "append" if mode == "streaming" else "overwrite"


class Environment(Model):
    """What differs in one environment, such as dev or prod.

    Attributes:
        catalog: In place of the pipeline's.
        schema_name: In place of the pipeline's; key ``schema`` in YAML.
        storage: In place of the pipeline's.
        variables: On top of the pipeline's.
        spark: Spark settings, on top of the pipeline's.
    """

    catalog: str | None = None
    schema_name: str | None = Field(default=None, alias="schema")
    storage: str | None = None
    variables: Options = Field(default_factory=dict)
    spark: Options = Field(default_factory=dict)


class Pipeline(Model):
    """Tables that belong together, in the environment they were loaded for.

    Attributes:
        name: The pipeline's name; default: the name of its file.
        description: What it is for.
        catalog: Unity Catalog's catalog; none where there is none, as on a laptop.
        schema_name: The schema of tables that name none; key ``schema`` in YAML.
        storage: Folder of checkpoints and run results; default: ``.skyspark/<name>`` in the current folder.
        module_root: Import package that holds the transformations by layer.
        mode: The mode of tables that declare none.
        spark: Settings for the Spark session.
        tables: In the order of the file.
    """

    name: str
    description: str | None = None
    catalog: str | None = None
    schema_name: str = Field(default="default", alias="schema")
    storage: str | None = None
    module_root: str = "transformations"
    mode: Mode = "batch"
    spark: Options = Field(default_factory=dict)
    tables: tuple[Table, ...]

    @cached_property
    def by_name(self) -> Mapping[str, Table]:
        """The tables by their names."""
        return {table.name: table for table in self.tables}

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with other values for some fields, as pydantic does.

        Args:
            update: Values by the names of fields.
            deep: Copy what the fields hold, too.
        """
        copied = super().model_copy(update=update, deep=deep)
        # Pydantic copies what is cached, and the tables may be others now.
        copied.__dict__.pop("by_name", None)
        return copied

    def table_name(self, table: Table) -> str:
        """Return a table's full name, quoted where needed: ``catalog.schema.name``, or without the catalog.

        Raises:
            TableNameError: A part holds a character no name may hold.
        """
        parts = (
            table.target.catalog or self.catalog,
            table.target.schema_name or self.schema_name,
            table.target.table or table.name,
        )
        return str(TableName.of(*(part for part in parts if part)))

    def quarantine_name(self, table: Table) -> str | None:
        """Return the full name of the table that gets the rows dropped from ``table``, or ``None``."""
        if not table.target.quarantine:
            return None
        name = TableName.parse(self.table_name(table))
        own = table.target.quarantine
        last = own if isinstance(own, str) else f"{name.parts[-1]}_quarantine"
        return str(TableName.of(*name.parts[:-1], last))
