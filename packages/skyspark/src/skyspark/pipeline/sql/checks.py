"""Rules on a table as a whole, as queries that count."""

from skyspark.pipeline.expectations import RowCount, TableRule, Unique
from skyspark.pipeline.sql.dataset import identifiers

# The column with the counts; a column of the table may not have its name.
COUNT = "`number_of_rows`"


def count_rows(rule: TableRule, relation: str) -> str:
    """Return the query that counts what a rule is about.

    Args:
        rule: A rule on all rows.
        relation: Where the rows are.

    Raises:
        QueryError: A name cannot be written.
    """
    if not isinstance(rule, Unique):
        return f"SELECT count(*) AS {COUNT}\nFROM {relation}"
    columns = identifiers(rule.columns)
    return f"SELECT {columns}, count(*) AS {COUNT}\nFROM {relation}\nGROUP BY {columns}"


def counted_well(rule: TableRule) -> str:
    """Return the condition that each count has to meet.

    Args:
        rule: A rule on all rows.
    """
    if not isinstance(rule, RowCount):
        return f"{COUNT} = 1"
    bounds = [
        f"{COUNT} {sign} {bound}" for sign, bound in ((">=", rule.min), ("<=", rule.max)) if bound is not None
    ]
    return " AND ".join(bounds)
