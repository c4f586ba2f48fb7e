"""The grammar of selectors: what is read, and where a mistake is shown."""

import pytest
from skyspark.errors import SelectionError
from skyspark.pipeline.selectors import (
    Complement,
    Criterion,
    Intersection,
    Neighbours,
    Rebuilt,
    Selector,
    Union,
    parse_selector,
)


def named(name: str) -> Criterion:
    return Criterion("name", name)


A, B, C = named("a"), named("b"), named("c")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("a", A),
        ("*", named("*")),
        ("orders_*", named("orders_*")),
        ("name:a", A),
        ("tag:daily", Criterion("tag", "daily")),
        ("layer:gold", Criterion("layer", "gold")),
        ("path:transformations/silver", Criterion("path", "transformations/silver")),
        ("transformations/silver", Criterion("path", "transformations/silver")),
        ("+a", Neighbours(A, None, 0)),
        ("a+", Neighbours(A, 0, None)),
        ("+a+", Neighbours(A, None, None)),
        ("2+a", Neighbours(A, 2, 0)),
        ("a+3", Neighbours(A, 0, 3)),
        ("2+tag:daily+3", Neighbours(Criterion("tag", "daily"), 2, 3)),
        ("@a", Rebuilt(A)),
        ("2a", named("2a")),
        ("android", named("android")),
        ("name:and", named("and")),
        ("a b", Union((A, B))),
        ("a or b", Union((A, B))),
        ("a,b", Intersection((A, B))),
        ("a , b", Intersection((A, B))),
        ("a AND b", Intersection((A, B))),
        ("a b,c", Union((A, Intersection((B, C))))),
        ("a or b and c", Union((A, Intersection((B, C))))),
        ("(a or b) and c", Intersection((Union((A, B)), C))),
        ("not a", Complement(A)),
        ("not a and b", Intersection((Complement(A), B))),
        ("not not a", Complement(Complement(A))),
        ("not (a b)", Complement(Union((A, B)))),
        ("(a)(b)", Union((A, B))),
        ("  a\n", A),
        ("a or not b", Union((A, Complement(B)))),
    ],
)
def test_reads_the_grammar_of_dbt_and_words_for_it(written: str, expected: Selector) -> None:
    assert parse_selector(written) == expected


@pytest.mark.parametrize(
    ("written", "column", "expected", "found"),
    [
        ("", 1, "a selector such as", "the end"),
        ("a and", 6, "a selector such as", "the end"),
        ("a and or b", 7, "a selector such as", "'or'"),
        ("or a", 1, "a selector such as", "'or'"),
        ("(a or b", 8, "')'", "the end"),
        ("a or b)", 7, "the end", "')'"),
        ("()", 2, "a selector such as", "')'"),
        ("a,,b", 3, "a selector such as", "','"),
        ("a not b", 3, "'and not' or 'or not'", "'not'"),
        ("a tags:daily", 3, "one of name:, tag:, layer:, path:", "'tags:daily'"),
        ("a tag:", 7, "a tag", "the end"),
        ("a layer:+", 9, "a layer", "'+'"),
        ("+", 2, "a name", "the end"),
        ("x ++a", 4, "a name", "'+a'"),
        ("@a+", 1, "'@' without '+'", "'@a+'"),
        ("not", 4, "a selector such as", "the end"),
    ],
)
def test_points_at_the_column_and_says_what_was_expected(
    written: str, column: int, expected: str, found: str
) -> None:
    with pytest.raises(SelectionError) as caught:
        parse_selector(written)
    message = str(caught.value)
    assert f"the selector '{written}' is wrong at column {column}: " in message
    assert expected in message
    assert message.endswith(f"found {found}.")
    assert "\n" not in message


@pytest.mark.parametrize("written", ["(" * 100_000, "not " * 100_000, "(a or " * 100_000])
def test_nesting_without_end_is_a_mistake_and_no_traceback(written: str) -> None:
    with pytest.raises(SelectionError, match="expected at most 50 'not' and parentheses in each other"):
        parse_selector(written)


def test_a_long_selector_is_no_deep_one() -> None:
    assert len(parse_selector(" ".join(["(a)"] * 5000)).parts) == 5000  # type: ignore[union-attr]


def test_a_number_of_steps_that_python_would_not_read_means_all() -> None:
    assert parse_selector("9" * 5000 + "+a") == Neighbours(A, None, 0)
