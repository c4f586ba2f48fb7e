"""A page's commands are run, and a page that says otherwise than what happens is refused."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from docs.walkthrough import PageIsWrongError, matches, walk
from waiting import has_ended, until

Walk = Callable[[str], None]


@pytest.fixture
def follow(tmp_path: Path) -> Walk:
    def follow(text: str) -> None:
        page, folder = tmp_path / "page.md", tmp_path / "folder"
        page.write_text(text, encoding="utf-8")
        folder.mkdir()
        walk(page, folder, os.environ)

    return follow


def test_commands_run_in_one_shell_and_files_are_written(follow: Walk, tmp_path: Path) -> None:
    follow("""
First

```console
$ mkdir shop && cd shop
$ NAME=orders; echo "$NAME
> $(pwd)"
orders
…/shop
```

```yaml title="src/config.yml"
name: orders
tags: [daily]
```

```diff title="src/config.yml"
 name: orders
-tags: [daily]
+tags: [hourly]
```

<!-- not run -->
```console
$ exit 3
```

```console
$ ls missing
…
$ echo $?
2
$ cat src/config.yml; echo >&2 both
name: orders
…
both
```

<!-- exit 4 -->
```console
$ true
$ (exit 4)
```
""")
    assert (tmp_path / "folder/shop/src/config.yml").read_text() == "name: orders\ntags: [hourly]\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("```console\n$ false\n```\n", "page.md, line 2: 'false' exited with 1"),
        ("```console\n$ true\n$ echo tea\ncoffee\n```\n", "line 3: 'echo tea' is said to print"),
        ("<!-- exit 2 -->\n```console\n$ true\n```\n", "line 3: 'true' exited with 0"),
        ("```console\n$ exit 3\n```\n", "the shell ended at 'exit 3'"),
        ("```console\necho\n```\n", "line 2: a console block begins with"),
        ('```diff title="a"\n-x\n+y\n```\n', "line 2: a holds 0 times, not once"),
        ('```text title="a"\nx\nx\n```\n\n```diff title="a"\n-x\n+y\n```\n', "line 7: a holds 2 times"),
    ],
)
def test_what_does_not_happen_as_written_is_named(follow: Walk, text: str, said: str) -> None:
    with pytest.raises(PageIsWrongError, match=said.replace("(", r"\(")):
        follow(text)


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("made in … s", "made in 1.2 s\n", True),
        ("made in … s", "made\nin 1 s\n", False),
        ("a\n…\nz", "a\nz\n", True),
        ("a\n…\nz", "a\nb\n\nc\nz", True),
        ("a\n…", "a\n", True),
        ("a\n…", "b\n", False),
        ("a", "a\nb\n", False),
        ("ok", "\x1b[32mok\x1b[0m  \n", True),
        ("(a|b)", "a", False),
    ],
)
def test_dots_stand_for_what_varies(shown: str, printed: str, same: bool) -> None:
    assert matches(shown, printed) is same


def test_what_a_page_starts_ends_with_it(follow: Walk, tmp_path: Path) -> None:
    follow("```console\n$ sleep 600 & echo $! >pid\n```\n")
    number = int((tmp_path / "folder/pid").read_text())
    until(lambda: has_ended(number), "it still runs")
