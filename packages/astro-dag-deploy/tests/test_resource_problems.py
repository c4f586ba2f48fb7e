"""What is said of files that are no Python that compiles."""

import warnings

import pytest
from astro_dag_deploy.utils.resource_client import problems_of


@pytest.mark.parametrize(
    "content",
    [
        b"",
        "é = 1\n".encode(),
        b"\xef\xbb\xbfa = 1\r\n",
        b"# -*- coding: latin-1 -*-\na = '\xe9'\n",
        b"raise SystemExit('this does not run')\n",
        b"x = 1 is 1\nassert (x, 'always')\ny = '\\d'\n",
    ],
)
def test_python_compiles(content: bytes):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert problems_of("orders/a.py", content) == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a = 1\nb = = 2\n", "line 2: invalid syntax."),
        (b"def f(:\n", "line 1: "),
        (b"if x:\nprint(1)\n", "line 2: expected an indented block"),
        (b"return 1\n", "line 1: 'return' outside function."),
        (b"<<<<<<< HEAD\n", "line 1: "),
        (b"a = '\xe9'\n", "utf-8"),
        (b"# coding: no-such-encoding\n", "no-such-encoding"),
        (b"a = 1\0\n", "null bytes"),
        (b"(" * 1000, "too many nested parentheses"),
        (b"-" * 200_000 + b"1", "nested too deeply"),
        (b"a" + b"+a" * 100_000, "nested too deeply"),
        (b"from __future__ import braces\n", "not a chance"),
    ],
)
def test_what_is_no_python_is_named_with_its_line(content: bytes, words: str):
    (problem,) = problems_of("orders/a.py", content)
    assert problem.startswith("orders/a.py: Python 3.")
    assert " does not compile it: " in problem
    assert words in problem.lower()
    assert problem.endswith(".")


def test_python_that_would_take_all_memory_is_not_compiled():
    assert problems_of("dags/a.py", b"#" * (256 * 1024)) == []
    [problem] = problems_of("dags/a.py", b"#" * (256 * 1024 + 1))
    assert "has more than the 262,144 bytes that a file of Python may have" in problem


def test_other_files_are_not_compiled():
    for path in ("a.sql", "a.pyc", "py", ".airflowignore"):
        assert problems_of(path, b"\xff\0 no (python") == []
