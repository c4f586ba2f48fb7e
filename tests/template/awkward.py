"""Answers that are hard to hold, and what is read back from the files that hold them."""

import ast
import re
import string
from typing import Any

from hypothesis import strategies as st

AWKWARD = "it's \"x\": #1 - 100% `$(id)` ${HOME} $$ \\ \\n '''é 語 🚀 {{ x }} ${{ y }} | [a](b) <b> & * ~ !"

alphanumeric = string.ascii_letters + string.digits


def joined(separators: str, size: int) -> st.SearchStrategy[str]:
    """Words with single separators between, up to the greatest length."""
    words = st.lists(st.text(alphanumeric, min_size=1, max_size=size), min_size=1, max_size=6)
    return st.builds(lambda parts, mark: mark.join(parts)[:size], words, st.sampled_from(separators))


def constants(module: str) -> dict[str, Any]:
    """Read `NAME = "text"` at the top level of a module."""
    return {
        node.targets[0].id: node.value.value
        for node in ast.parse(module).body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }


def unescaped(markdown: str) -> str:
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", markdown)
