"""Lakeflow's SQL in the words of open-source Spark (Databricks documentation, "Pipeline SQL reference").

Spark 4.1 declares streaming tables, materialized views, temporary views and flows, but knows no ``OR
REFRESH``, no ``PRIVATE``, no expectations and no ``LIVE`` names. Expectations become conditions around the
query, as in Python (see ``program/databricks_dialect.py``).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from databricks_local.pipelines.program.databricks_dialect import Rules, guard, only_warns

_TOKEN = re.compile(
    r"(?P<space>\s+|--[^\n]*|/\*.*?\*/)|(?P<text>'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\"|`(?:[^`]|``)*`)"
    r"|(?P<word>[^\W\d]\w*)|(?P<other>.)",
    re.DOTALL,
)
_ACTION_AFTER = {("DROP", "ROW"): "drop", ("FAIL", "UPDATE"): "fail"}
_REFUSED = {
    ("AUTO", "CDC"): "AUTO CDC",
    ("APPLY", "CHANGES"): "APPLY CHANGES",
    ("READ_FILES", "("): "read_files",
    ("CLOUD_FILES", "("): "cloud_files",
    ("READ_KAFKA", "("): "read_kafka",
}
_REFUSED_CLAUSES = {"SCHEDULE": "SCHEDULE", "TRIGGER": "TRIGGER ON UPDATE"}


class LakeflowSqlError(ValueError):
    """A statement has no equal in open-source Spark; the message is a sentence."""


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str

    @property
    def word(self) -> str:
        """The word in capitals, or the sign; empty for spaces, comments and quoted text."""
        return self.text.upper() if self.kind in ("word", "other") else ""


@dataclass(frozen=True)
class Translated:
    """A file in Spark's words.

    Attributes:
        text: Its statements.
        warnings: What has no effect here, one sentence each.
    """

    text: str
    warnings: tuple[str, ...] = ()


def translated(text: str) -> Translated:
    """Translate a file.

    Args:
        text: Statements of Lakeflow's SQL, or a notebook of such.

    Raises:
        LakeflowSqlError: One of them has no equal.
    """
    # Cells of a notebook end statements as semicolons do.
    text = re.sub(r"^-- COMMAND -+[ \t]*$", "\n;\n", text, flags=re.MULTILINE)
    warnings: list[str] = []
    statements = [
        _statement(statement, warnings).strip()
        for statement in _statements(_tokens(text))
        if any(token.kind != "space" for token in statement)
    ]
    return Translated("".join(f"{each};\n\n" for each in statements), tuple(warnings))


def _tokens(text: str) -> list[_Token]:
    return [_Token(str(found.lastgroup), found.group()) for found in _TOKEN.finditer(text)]


def _statements(tokens: Sequence[_Token]) -> Iterator[list[_Token]]:
    current: list[_Token] = []
    for token in tokens:
        if token.word == ";":
            yield current
            current = []
        else:
            current.append(token)
    yield current


def _statement(tokens: list[_Token], warnings: list[str]) -> str:
    words = [token for token in tokens if token.kind != "space"]
    for first, second in pairwise(words):
        refused = _REFUSED.get((first.word, second.word))
        if refused:
            raise LakeflowSqlError(f"{refused} is not imitated: open-source Spark's pipelines have none.")
    tokens = _without_live(tokens)
    cursor = _Cursor(tokens)
    if not cursor.take("CREATE"):
        return _sql(tokens)
    cursor.take("OR", "REFRESH") or cursor.take("OR", "REPLACE")
    private = cursor.take("PRIVATE")
    for written, spark in (
        (("STREAMING", "TABLE"), "STREAMING TABLE"),
        (("STREAMING", "LIVE", "TABLE"), "STREAMING TABLE"),
        (("MATERIALIZED", "VIEW"), "MATERIALIZED VIEW"),
        (("LIVE", "TABLE"), "MATERIALIZED VIEW"),
        (("TEMPORARY", "STREAMING", "LIVE", "VIEW"), "TEMPORARY VIEW"),
        (("TEMPORARY", "LIVE", "VIEW"), "TEMPORARY VIEW"),
        (("STREAMING", "LIVE", "VIEW"), "TEMPORARY VIEW"),
        (("LIVE", "VIEW"), "TEMPORARY VIEW"),
        (("TEMPORARY", "VIEW"), "TEMPORARY VIEW"),
    ):
        if cursor.take(*written):
            return _dataset(spark, cursor, warnings, private=private)
    if private:
        raise LakeflowSqlError("PRIVATE stands before STREAMING TABLE or MATERIALIZED VIEW only.")
    return _sql(tokens)


def _dataset(kind: str, cursor: "_Cursor", warnings: list[str], *, private: bool) -> str:
    exists = "IF NOT EXISTS " if cursor.take("IF", "NOT", "EXISTS") else ""
    name = cursor.name()
    if private:
        warnings.append(f"Dataset '{name}': PRIVATE has no effect in databricks-local.")
    columns, rules = cursor.columns()
    warnings += [only_warns(name, rule) for rule in rules.get("warn", {})]
    clauses, query = cursor.clauses(name, warnings)
    condition = guard(name.replace("`", ""), rules)
    if condition and not query:
        raise LakeflowSqlError(
            f"dataset '{name}': expectations of a streaming table without a query are not imitated: "
            "declare it with AS SELECT, or in Python."
        )
    if condition:
        query = f"SELECT *\nFROM (\n{query}\n) AS `rows`\nWHERE {condition}"
    head = f"CREATE {kind} {exists}{name}"
    return "\n".join(part for part in (head, columns, clauses, f"AS\n{query}" if query else "") if part)


def _sql(tokens: Sequence[_Token]) -> str:
    return "".join(token.text for token in tokens)


def _without_live(tokens: Sequence[_Token]) -> list[_Token]:
    kept: list[_Token] = []
    for token in tokens:
        if token.word == "." and kept and kept[-1].word == "LIVE":
            before = next((each for each in reversed(kept[:-1]) if each.kind != "space"), None)
            if before is None or before.word != ".":
                kept.pop()
                continue
        kept.append(token)
    return kept


class _Cursor:
    """A place in a statement."""

    def __init__(self, tokens: Sequence[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def _skip(self) -> None:
        while self._at < len(self._tokens) and self._tokens[self._at].kind == "space":
            self._at += 1

    def take(self, *words: str) -> bool:
        """Go past some words if they come next."""
        start = self._at
        for word in words:
            self._skip()
            if self._at >= len(self._tokens) or self._tokens[self._at].word != word:
                self._at = start
                return False
            self._at += 1
        return True

    def name(self) -> str:
        """Go past a name of up to three parts."""
        self._skip()
        start = self._at
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            if token.kind == "space" or token.word == "(":
                break
            self._at += 1
        return _sql(self._tokens[start : self._at])

    def columns(self) -> tuple[str, Rules]:
        """Go past the list of columns; return it without its expectations, and these."""
        self._skip()
        rules: Rules = {}
        if self._at >= len(self._tokens) or self._tokens[self._at].word != "(":
            return "", rules
        items, self._at = _items(self._tokens, self._at)
        kept = []
        for item in items:
            rule = _expectation(item)
            if rule is None:
                kept.append(_sql(item).strip())
            else:
                action, name, condition = rule
                rules.setdefault(action, {})[name] = condition
        return f"({', '.join(kept)})" if kept else "", rules

    def clauses(self, name: str, warnings: list[str]) -> tuple[str, str]:
        """Return what stands between columns and query, and the query."""
        kept: list[_Token] = []
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            if token.word in _REFUSED_CLAUSES:
                raise LakeflowSqlError(
                    f"dataset '{name}': {_REFUSED_CLAUSES[token.word]} is not imitated: schedule a job with "
                    "a pipeline task."
                )
            if self.take("CLUSTER", "BY"):
                self._skip()
                if not self.take("AUTO") and self._at < len(self._tokens):
                    _, self._at = _items(self._tokens, self._at)
                warnings.append(f"Dataset '{name}': CLUSTER BY has no effect in databricks-local.")
                continue
            if token.word == "AS":
                query = _sql(self._tokens[self._at + 1 :]).strip()
                return _sql(kept).strip(), query
            if token.word == "(":
                start = self._at
                _, self._at = _items(self._tokens, start)
                kept += self._tokens[start : self._at]
                continue
            kept.append(token)
            self._at += 1
        return _sql(kept).strip(), ""


def _items(tokens: Sequence[_Token], start: int) -> tuple[list[list[_Token]], int]:
    """Return what stands between parentheses, split at commas, and the place after them."""
    items: list[list[_Token]] = [[]]
    depth = 0
    for index in range(start, len(tokens)):
        token = tokens[index]
        depth += {"(": 1, ")": -1}.get(token.word, 0)
        if depth == 0:
            return items, index + 1
        if depth == 1 and token.word == ",":
            items.append([])
        elif index > start:
            items[-1].append(token)
    raise LakeflowSqlError("a parenthesis is not closed.")


def _expectation(item: Sequence[_Token]) -> tuple[str, str, str] | None:
    cursor = _Cursor(item)
    if not cursor.take("CONSTRAINT"):
        return None
    name = cursor.name().strip("`")
    if not cursor.take("EXPECT"):
        return None
    cursor._skip()
    start = cursor._at
    _, cursor._at = _items(item, start)
    condition = _sql(item[start + 1 : cursor._at - 1]).strip()
    if not cursor.take("ON", "VIOLATION"):
        return "warn", name, condition
    for words, action in _ACTION_AFTER.items():
        if cursor.take(*words):
            return action, name, condition
    raise LakeflowSqlError(f"expectation '{name}': after ON VIOLATION stands DROP ROW or FAIL UPDATE.")
