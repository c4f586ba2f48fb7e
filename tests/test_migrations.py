from typing import Any

import pytest

from mshell_cut.migrations import carry, faults, moved

STEPS: list[dict[str, Any]] = [
    {"release": "v2", "rename": {"group": "team"}, "choices": {"runtime": {"16": "17"}}},
    {"release": "v3", "choices": {"runtime": {"17": "18"}}, "move": {"jobs": "src/apps"}},
]


def test_answers_are_carried_over_all_releases_between() -> None:
    carried = carry({"group": "data", "runtime": "16", "name": "x"}, [], STEPS)
    assert carried.answers == {"team": "data", "runtime": "18", "name": "x"}
    assert carried.notes == [
        "group is named team since v2.",
        "runtime was 16 and is 17, since v2.",
        "runtime was 17 and is 18, since v3.",
    ]
    assert carried.moves == [("jobs", "src/apps")]


def test_what_a_project_has_had_is_not_done_again() -> None:
    carried = carry({"group": "mine", "runtime": "17"}, STEPS[:1], STEPS)
    assert carried.answers == {"group": "mine", "runtime": "18"}


def test_answers_without_a_step_stay() -> None:
    carried = carry({"runtime": "18", "flag": True}, [], STEPS)
    assert carried.answers == {"runtime": "18", "flag": True}
    assert carried.notes == []


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("jobs/a.py", "src/apps/a.py"),
        ("jobs", "src/apps"),
        ("jobs2/a.py", "jobs2/a.py"),
        ("x/jobs", "x/jobs"),
    ],
)
def test_a_folder_moves_with_all_below(path: str, place: str) -> None:
    assert moved(path, [("jobs", "src/apps")]) == place


@pytest.mark.parametrize(
    ("steps", "fault"),
    [
        ({}, "must be a list of mappings"),
        ([{}], "a migration names no release"),
        ([{"release": "v2"}, {"release": "v2"}], "v2 is listed twice: each release has one migration"),
        ([{"release": "v2", "renames": {}}], "'renames' of v2 is no key of a migration"),
        ([{"release": "v2", "rename": ["a"]}], "'rename' of v2 must map questions to questions"),
        (
            [{"release": "v2", "choices": {"a": "b"}}],
            "'choices' of v2 must map questions to mappings from answer to answer",
        ),
        ([{"release": "v2", "move": {"a": 1}}], "'move' of v2 must map paths to paths"),
        (
            [{"release": "v2", "move": {"a": "../b"}}],
            "'../b', which v2 moves, is not a path inside the project",
        ),
        ([{"release": "v2", "move": {"/a": "b"}}], "'/a', which v2 moves, is not a path inside the project"),
        (
            [{"release": "v2", "move": {"a": ".git/hooks"}}],
            "'.git/hooks', which v2 moves, is not a path inside the project",
        ),
    ],
)
def test_a_templates_author_is_told_what_is_wrong(steps: Any, fault: str) -> None:
    assert list(faults(steps)) == [fault]
    assert list(faults(STEPS)) == []
