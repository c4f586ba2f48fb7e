from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scaffold import write_tree

from mshell_cut.globs import matcher


@pytest.mark.parametrize(
    ("glob", "meant", "other"),
    [
        ("README.md", ["README.md"], ["docs/README.md", "README.mdx"]),
        ("docs", ["docs/a.md", "docs/more/b.md"], ["documents/a.md"]),
        ("dags/*.py", ["dags/a.py"], ["dags/more/a.py", "dags/a.yml"]),
        ("src/**", ["src/a.py", "src/more/a.py"], ["srcs/a.py", "tests/src/a.py"]),
        ("**/x.py", ["x.py", "a/b/x.py"], ["a/y.py"]),
        ("a/**/b", ["a/b/c", "a/x/y/b"], ["b/a"]),
        ("*", ["a", "a/b"], []),
        ("[ab].t?t", ["a.txt", "b.tat"], ["c.txt", "a.txxt"]),
        ("./src/", ["src/a"], ["src2/a"]),
        ("a/**/**", ["a", "a/b", "a/b/c"], ["b/a"]),
        ("", [], ["a"]),
    ],
)
def test_a_glob_means_files_and_all_below_folders(glob: str, meant: list[str], other: list[str]) -> None:
    means = matcher([glob])
    assert [path for path in [*meant, *other] if means(path)] == meant


NAMES = st.sampled_from(["a", "b", "ab", ".a", "a.py"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
PARTS = st.sampled_from(["a", "*", "**", "?", "*.py", "[ab]", ".a"])


@given(paths=st.lists(PATHS, max_size=8), parts=st.lists(PARTS, min_size=1, max_size=3))
def test_globs_mean_what_pathlib_and_cruft_make_of_them(
    tmp_path_factory: pytest.TempPathFactory, paths: list[str], parts: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("tree")
    files: list[str] = []
    for path in paths:
        # A name is a file or a folder, not both.
        if not any(path.startswith(f"{file}/") or file.startswith(f"{path}/") for file in files):
            files.append(path)
    write_tree(folder, dict.fromkeys(files, "x"))
    found = {path.relative_to(folder) for path in folder.glob("/".join(parts))} - {Path()}
    expected = {file for file in files if found & {Path(file), *Path(file).parents}}
    means = matcher(["/".join(parts)])
    while parts and parts[-1] == "**":
        # A file is as good as a folder that holds nothing else; pathlib's `**` ends at folders.
        parts = parts[:-1]
        places = set(folder.glob("/".join(parts))) if parts else {folder / file for file in files}
        expected |= {file for file in files if folder / file in places}
    assert {file for file in files if means(file)} == expected
