"""Checks on the SQL in a pipeline's file: that it parses, and that it reads what its table declares."""

from collections.abc import Callable, Collection, Sequence

from sqlglot import exp

from skyspark.errors import QueryError, TableNameError
from skyspark.identifiers import TableName
from skyspark.pipeline import queries
from skyspark.pipeline.drafts import PipelineDraft, TableDraft
from skyspark.pipeline.expectations import ExpressionRule
from skyspark.pipeline.model import Pipeline
from skyspark.pipeline.queries import TableRead
from skyspark.pipeline.transformations import SOURCE, Aggregate, Filter, Join, SqlQuery


class SqlChecks:
    """The checks on one pipeline's SQL."""

    def __init__(self, draft: PipelineDraft, tables: Sequence[TableDraft], pipeline: Pipeline) -> None:
        """Prepare the checks.

        Args:
            draft: What the file says; its document gets the problems.
            tables: The tables with their transformations.
            pipeline: The pipeline of them.
        """
        self._draft = draft
        self._tables = tables
        self._names = {one.table.name.casefold(): one.table.name for one in tables}
        self._stored = dict(_stored_names(pipeline))

    def run(self) -> None:
        """Note all problems."""
        for one in self._tables:
            self._transformation(one)
            self._conditions(one)

    def _parse(
        self, one: TableDraft, key: tuple[str | int, ...], parse: Callable[[str], object], text: str
    ) -> bool:
        try:
            parse(text)
        except QueryError as error:
            self._draft.document.add(one.place(*key), str(error))
            return False
        return True

    def _conditions(self, one: TableDraft) -> None:
        table = one.table
        for i, rule in enumerate(table.expectations):
            if isinstance(rule, ExpressionRule):
                self._parse(one, ("expectations", i, "expression"), _row_condition, rule.expression)
        for key in ("delete_where", "replace_where"):
            if text := getattr(table.target, key):
                self._parse(one, ("target", key), queries.parse_condition, text)
        if text := table.target.sequence_by:
            self._parse(one, ("target", "sequence_by"), queries.parse_expression, text)
        if table.source is not None and table.source.columns is not None:
            self._parse(one, ("source", "schema"), queries.check_columns, table.source.columns)
        if table.source is not None and table.source.table is not None:
            self._outside(one, table.source.table)

    def _outside(self, one: TableDraft, name: str) -> None:
        at = one.place("source", "table")
        try:
            full = str(TableName.parse(name)).casefold()
        except TableNameError as error:
            self._draft.document.add(at, str(error).partition(": ")[2])
            return
        if full in self._stored:
            own = self._stored[full]
            self._draft.document.add(
                at, f"this pipeline makes that table: name '{own}' in depends_on instead."
            )

    def _transformation(self, one: TableDraft) -> None:
        at = "transformation"
        match one.table.transformation:
            case SqlQuery(query=query) if query:
                self._query(one, query)
            case Filter() as step:
                self._unread(one, [step.input], step.type)
                self._parse(one, (at, "condition"), queries.parse_condition, step.condition)
                self._columns(one, step.columns)
            case Join() as step:
                self._unread(one, [step.left, step.right], step.type)
                if isinstance(step.on, str):
                    self._parse(one, (at, "on"), queries.parse_condition, step.on)
                self._columns(one, step.columns)
            case Aggregate() as step:
                self._unread(one, [step.input], step.type)
                for i, text in enumerate(step.group_by):
                    self._parse(one, (at, "group_by", i), queries.parse_column, text)
                for name, text in step.aggregations.items():
                    self._parse(one, (at, "aggregations", name), queries.parse_expression, text)
                if step.having is not None:
                    self._parse(one, (at, "having"), queries.parse_condition, step.having)

    def _columns(self, one: TableDraft, columns: Sequence[str]) -> None:
        for i, text in enumerate(columns):
            self._parse(one, ("transformation", "columns", i), queries.parse_column, text)

    def _query(self, one: TableDraft, query: str) -> None:
        places = (one.place("transformation", key) for key in ("query", "file"))
        at = next(filter(self._draft.document.has, places), one.place())
        file = one.table.transformation.file if isinstance(one.table.transformation, SqlQuery) else None
        where = f"{file}: " if file is not None else ""
        try:
            reads = queries.tables_read(query)
        except QueryError as error:
            self._draft.document.add(at, f"{where}{error}")
            return
        inputs = {name.casefold(): name for name in one.table.inputs}
        read: set[str] = set()
        for place in reads:
            name = place.parts[-1] if len(place.parts) == 1 else ""
            if name.casefold() in inputs:
                read.add(inputs[name.casefold()])
            else:
                self._draft.document.add(at, f"{where}{self._undeclared(one, place)}")
        self._unread(one, read, "query")
        if one.table.source is not None and SOURCE not in read:
            self._draft.document.add(
                one.place("source"), f"its query does not read it: it reads the source by the name {SOURCE}."
            )

    def _unread(self, one: TableDraft, read: Collection[str], what: str) -> None:
        """Note dependencies that are not read: a declarative engine orders tables by what is read only."""
        if not set(read) <= set(one.table.inputs):
            # Said where inputs are checked.
            return
        for i, name in enumerate(one.table.depends_on):
            if name not in read:
                at = one.place("depends_on", i)
                self._draft.document.add(at, f"its {what} does not read '{name}': take it out.")

    def _undeclared(self, one: TableDraft, place: TableRead) -> str:
        shown = ".".join(place.parts)
        own = self._stored.get(str(TableName(place.parts)).casefold()) if len(place.parts) > 1 else None
        if own is not None:
            return (
                f"it reads {shown}, which this pipeline makes: name '{own}' in depends_on and in the query."
            )
        if len(place.parts) > 1:
            how = (
                "in sources and read it by that name"
                if self._draft.stepwise
                else f"as source.table and read {SOURCE}"
            )
            return f"it reads {shown}, which this pipeline does not make: name it {how}."
        if shown.casefold() in self._names:
            kind = "does not come before it" if self._draft.stepwise else "is not in depends_on: add it"
            return f"it reads '{shown}', which {kind}."
        known = (*one.table.inputs, *self._names.values())
        near = self._draft.document.near(shown, known)
        return f"it reads '{shown}', which is no table of this pipeline{near}."


def _stored_names(pipeline: Pipeline) -> list[tuple[str, str]]:
    found = []
    for table in pipeline.tables:
        try:
            found.append((pipeline.table_name(table).casefold(), table.name))
        except TableNameError:
            # Said where names are checked.
            continue
    return found


def _row_condition(text: str) -> None:
    """Refuse a condition that no single row can meet.

    Raises:
        QueryError: It does not parse, or needs all rows.
    """
    tree = queries.parse_condition(text)
    for part in tree.find_all(exp.AggFunc, exp.Window, exp.Query):
        kind = "a query" if isinstance(part, exp.Query) else "the whole table"
        raise QueryError(
            f"a row is judged by itself, and the condition asks {kind}: use a rule on the table."
        )
