"""Which projects a fleet is made of."""

import json
import re
from pathlib import Path

import pytest
from scaffold import write_tree

from mshell_cut.errors import FileUnreadableError, RequestError
from mshell_cut.fleet.listing import Entry, listed


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_tree(
        tmp_path,
        {
            "work/orders/.cruft.json": "{}",
            "work/sales/.cruft.json": "{}",
            "work/deep/down/stock/.cruft.json": "{}",
            "work/.hidden/old/.cruft.json": "{}",
            "work/notes/readme.txt": "",
        },
    )
    return tmp_path / "work"


def names(*sources: str) -> list[str]:
    return [entry.name for entry in listed(sources, [])]


def test_a_glob_means_the_folders_that_are_projects(folders: Path) -> None:
    assert names("work/*") == ["work/orders", "work/sales"]
    assert names("work/**") == ["work/deep/down/stock", "work/orders", "work/sales"]
    assert names(f"{folders}/s*/") == [f"{folders}/sales"]


def test_a_home_folder_is_written_out(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folders))
    assert [entry.folder for entry in listed(["~/sal*"], [])] == [folders / "sales"]


def test_folders_that_a_shell_expanded_are_taken_as_they_come(folders: Path) -> None:
    found = listed(["work/notes", "work/orders"], [])
    assert [entry.folder for entry in found] == [folders / "notes", folders / "orders"]


def test_a_list_holds_paths_relative_to_itself_and_addresses(folders: Path) -> None:
    write_tree(
        folders,
        {
            "lists/all.yaml": f"""
projects:
  - ../orders
  - path: {folders}/sales
    branch: develop
    project: pipelines/sales
  - gh:acme/stock
  - url: git@example.com:acme/posts.git
    project: ./a/b/
"""
        },
    )
    assert listed([f"{folders}/lists/all.yaml"], []) == [
        Entry("../orders", folders / "lists/../orders"),
        Entry(f"{folders}/sales/pipelines/sales", folders / "sales", None, "develop", "pipelines/sales"),
        Entry("gh:acme/stock", url="https://github.com/acme/stock.git"),
        Entry("git@example.com:acme/posts.git/a/b", url="git@example.com:acme/posts.git", inside="a/b"),
    ]


def test_json_lists_are_read_too(folders: Path) -> None:
    write_tree(folders, {"all.json": json.dumps(["orders", {"path": "sales"}])})
    assert names("work/all.json") == ["orders", "sales"]


def test_a_project_that_is_named_twice_is_listed_once(folders: Path) -> None:
    (folders / "link").symlink_to("orders")
    text = "- orders\n- path: ../work/orders\n- path: .\n  project: orders\n- https://x.org/a\n- url: https://x.org/a\n"
    write_tree(folders, {"all.yaml": text})
    assert names("work/*", "work/all.yaml") == ["work/link", "work/sales", "https://x.org/a"]


def test_what_github_prints_is_a_list(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "gh.json": json.dumps(
                [
                    {
                        "nameWithOwner": "acme/orders",
                        "sshUrl": "git@github.com:acme/orders.git",
                        "url": "https://github.com/acme/orders",
                        "defaultBranchRef": {"name": "trunk"},
                    },
                    {
                        "nameWithOwner": "acme/new",
                        "url": "https://github.com/acme/new",
                        "defaultBranchRef": {"name": ""},
                    },
                    {"nameWithOwner": "acme/old", "url": "https://github.com/acme/old", "isArchived": True},
                ]
            ),
            "rest.json": json.dumps(
                [
                    {
                        "full_name": "acme/sales",
                        "ssh_url": "git@github.com:acme/sales.git",
                        "clone_url": "https://github.com/acme/sales.git",
                        "url": "https://api.github.com/repos/acme/sales",
                        "default_branch": "main",
                    }
                ]
            ),
        },
    )
    assert listed([], [tmp_path / "gh.json", tmp_path / "rest.json"]) == [
        Entry("acme/orders", url="git@github.com:acme/orders.git", branch="trunk"),
        Entry("acme/new", url="https://github.com/acme/new"),
        Entry("acme/sales", url="git@github.com:acme/sales.git", branch="main"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: b", "must hold a list of projects"),
        ("- [a]", "project 1 is neither a path, an address nor a mapping"),
        ("- ''", "project 1 is neither a path"),
        ("- branch: main", "project 1 needs one of 'path' and 'url'"),
        ("- ok\n- path: a\n  url: https://x.org/a", "project 2 needs one of 'path' and 'url'"),
        ("- path: a\n  folder: b", "project 1 has 'folder': there are branch, path, project, url"),
        ("- path: a\n  project: ../../etc", "'project' that is no folder in the repository"),
        ("- path: a\n  project: /etc", "'project' that is no folder in the repository"),
        ("- url: ext::sh -c id", "'url' that is no git address"),
        ("- url: --upload-pack=id", "'url' that is no git address"),
        ("- url: /srv/orders", "'url' that is no git address"),
        ("- path: 7", "project 1 is neither a path"),
        ("- *x", "is not valid YAML or JSON"),
        ("[]", "There is no project"),
    ],
)
def test_a_wrong_list_is_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    write_tree(tmp_path, {"all.yaml": text})
    with pytest.raises(RequestError, match=re.escape(said)):
        listed([str(tmp_path / "all.yaml")], [])


@pytest.mark.parametrize(
    "text", ["{}", "[1]", '[{"name": "a"}]', '[{"nameWithOwner": "a/b", "url": "ext::id"}]', "{"]
)
def test_a_wrong_file_of_an_organisation_is_one_sentence(tmp_path: Path, text: str) -> None:
    write_tree(tmp_path, {"gh.json": text})
    with pytest.raises(FileUnreadableError, match=r"gh\.json"):
        listed([], [tmp_path / "gh.json"])


def test_a_source_that_means_nothing_is_refused(tmp_path: Path) -> None:
    for source, said in [("nothing", "is neither a file"), (f"{tmp_path}/*", "means no folder")]:
        with pytest.raises(RequestError, match=said):
            listed([source], [])
