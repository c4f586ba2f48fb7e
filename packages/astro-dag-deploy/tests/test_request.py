"""What is accepted as a request, and what is said of one that is not."""

import tempfile
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from astro_dag_deploy.model.problems import sentences
from astro_dag_deploy.model.request import MAX_FILES, DeployRequest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

TEXT = "from airflow.sdk import DAG\n"
SIGNATURE = "X-Amz-Signature=5ecre7"

# Few characters, so that the parts meet each other and the rules.
PIECES = st.sampled_from(
    [
        "a",
        "A",
        "b",
        "ß",
        "é",
        "e\u0301",
        "İ",
        ".",
        "..",
        "/",
        "\\",
        ":",
        " ",
        "\u00a0",
        "\n",
        "\0",
        "\u202e",
        "?",
        "x" * 90,
    ]
)
PATHS = st.lists(PIECES, max_size=8).map("".join) | st.text(max_size=30)
PLAIN_PATHS = st.lists(st.sampled_from(["a", "A", "b", "a.py", "é", "e\u0301"]), min_size=1, max_size=3).map(
    "/".join
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(), max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)


def body(**fields: Any) -> dict[str, Any]:
    return {
        "astroWorkspace": "clworkspace",
        "astroDeployment": "cldeployment",
        "repo": "orders",
        "requestId": "build-7",
        "dags": [dag()],
        **fields,
    }


def dag(dag_id: str = "medallion", **fields: Any) -> dict[str, Any]:
    return {"dag_id": dag_id, "dag_file": {"path": "orders/medallion.py", "text": TEXT}, **fields}


def of_files(*files: Any) -> dict[str, Any]:
    """A request whose first DAG depends on these."""
    return body(dags=[dag(dependencies=list(files))])


def problems(fields: object) -> list[str]:
    with pytest.raises(ValidationError) as raised:
        DeployRequest.model_validate(fields)
    return sentences(raised.value)


def listing(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def test_a_request_names_its_files_once_each_and_in_order():
    shared = {"path": "orders/common.py", "source": f"https://host/common.py?{SIGNATURE}"}
    request = DeployRequest.model_validate(
        body(
            dags=[
                dag("b", dag_file="s3://bucket/builds/7/zebra.py", dependencies=[shared]),
                dag("a", dependencies=[f"https://host/a%20folder/query%20one.sql?{SIGNATURE}", shared]),
                dag("c", contact_email="team@example.com", squad_name="", description="rows for the shop"),
            ]
        )
    )
    assert list(request.files) == ["orders/common.py", "orders/medallion.py", "query one.sql", "zebra.py"]
    assert request.files["zebra.py"].source == "s3://bucket/builds/7/zebra.py"
    assert request.files["orders/medallion.py"].text == TEXT
    assert [dag.dag_id for dag in request.dags] == ["b", "a", "c"]
    assert (request.workspace, request.deployment, request.repo) == ("clworkspace", "cldeployment", "orders")
    assert (request.request_id, request.remove_all) == ("build-7", None)


def test_a_request_cannot_be_changed():
    request = DeployRequest.model_validate(body())
    for changed in (request, request.dags[0], request.dags[0].dag_file):
        with pytest.raises(ValidationError):
            changed.path = "other"  # type: ignore[attr-defined, union-attr]


def test_everything_is_said_at_once():
    found = problems(
        {
            "astroWorkspace": "-bad",
            "astroDeployment": 7,
            "repo": "a..b",
            "surplus": 1,
            "dags": [
                {
                    "dag_id": "two words",
                    "dag_file": {"path": "../a.txt", "text": "", "source": "ftp://host/a"},
                    "dependencies": [f"http://host/b.py?{SIGNATURE}", 3, {"path": "x.py"}, {"pth": 1}],
                    "contact_email": "a@b, c@d",
                    "description": "two\nlines",
                },
                "no object",
                dag("x", dependencies=[{"path": "x.py", "text": "a"}]),
                dag("x", dag_file={"path": "X.py", "text": "b"}, dependencies={}),
                dag("y", dag_file={"path": "x.py", "text": "c"}),
            ],
            "remove_all": "yes",
        }
    )
    assert found == [
        "astroWorkspace: '-bad' is not 1 to 64 letters, digits, - and _, first a letter or digit.",
        "astroDeployment: must be text, not a number.",
        "repo: 'a..b' is not 1 to 100 letters, digits, -, _ and single dots, first a letter or digit.",
        "dags[0].dag_id: 'two words' is not 1 to 250 letters, digits, -, _ and dots.",
        "dags[0].dag_file.path: '../a.txt' has a part that is . or .. and does not end in .py.",
        "dags[0].dag_file.source: 'ftp://host/a' is neither s3://bucket/key nor https://host/path.",
        "dags[0].dag_file.text: is given beside source: leave one of the two out.",
        "dags[0].dependencies[0]: 'http://host/b.py' is neither s3://bucket/key nor https://host/path.",
        "dags[0].dependencies[1]: must be an object, not a number.",
        "dags[0].dependencies[2].text: is missing, and so is source: give one of the two.",
        "dags[0].dependencies[3].path: is missing.",
        "dags[0].dependencies[3].text: is missing, and so is source: give one of the two.",
        "dags[0].dependencies[3].pth: is not known.",
        "dags[0].contact_email: 'a@b, c@d' is not one address of email.",
        "dags[0].description: 'two\\nlines' is not one line of at most 1,000 characters.",
        "dags[1]: must be an object, not text.",
        "dags[3].dependencies: must be a list, not an object.",
        "requestId: is missing.",
        "surplus: is not known.",
        "remove_all: is given beside dags: leave one of the two out.",
        "dags[3].dag_id: 'x' is dags[2].dag_id already, and Airflow shows one DAG of an id.",
        "dags[4].dag_file.path: 'x.py' has another source in dags[2].dependencies[0]: give one of the two "
        "another path.",
        "dags[3].dag_file.path: 'X.py' differs only by case from the file of dags[2].dependencies[0].",
    ]


@pytest.mark.parametrize(
    ("name", "accepted", "refused"),
    [
        (
            "astroWorkspace",
            ["a", "9_-", "a" * 64],
            ["", "_a", "a" * 65, "a/b", "a\n", "é", "a.b", "..", None],
        ),
        ("astroDeployment", ["a", "9_-", "a" * 64], ["", "-a", "a" * 65, "a b", "a\n", ["a"]]),
        ("repo", ["a", "a.b_c-d", "9" * 100], ["", ".a", "a..b", "a" * 101, "a/b", "a\n", "ä", 1]),
        ("requestId", ["a", "a b", "~" * 200], ["", " a", "a ", "é", "a\n", "a" * 201, 5]),
        ("remove_all", [None], ["", "remove every DAG of orders", True]),
    ],
)
def test_names_have_their_rules(name: str, accepted: list[Any], refused: list[Any]):
    for value in accepted:
        DeployRequest.model_validate(body(**{name: value}))
    for value in refused:
        assert [problem.partition(":")[0] for problem in problems(body(**{name: value}))] == [name], value


@pytest.mark.parametrize(
    ("name", "accepted", "refused"),
    [
        ("dag_id", ["a", "Übung.1-2_3", "x" * 250], ["", "a b", "a/b", "x" * 251, "a\n", None]),
        (
            "contact_email",
            [None, "a@b", "first.last+x@example.com"],
            ["", "a", "a@b,c@d", "a b@c", "A <a@b>", "a@b\n"],
        ),
        ("squad_name", [None, "", "data platform"], ["a\nb", "x" * 1001, 1]),
        ("alert_slack_channel", [None, "#alerts"], ["a\0", {}]),
        ("description", [None, "Größe"], ["\u2028", "x" * 1001]),
    ],
)
def test_what_is_said_of_a_dag_has_its_rules(name: str, accepted: list[Any], refused: list[Any]):
    for value in accepted:
        DeployRequest.model_validate(body(dags=[dag() | {name: value}]))
    for value in refused:
        places = [problem.partition(":")[0] for problem in problems(body(dags=[dag() | {name: value}]))]
        assert places == [f"dags[0].{name}"], value


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("", "is empty"),
        ("/a.py", "empty part"),
        ("a//b.py", "empty part"),
        ("a/", "empty part"),
        ("./a.py", ". or .."),
        ("a/../../b.py", ". or .."),
        ("a\\b.py", "backslash"),
        ("C:a.py", "drive letter"),
        ("a\0.py", "cannot be printed"),
        ("a\x1b[2J.py", "cannot be printed"),
        ("a\u202ebyp.py", "cannot be printed"),
        (" a.py", "blank"),
        ("a /b.py", "blank"),
        ("a/b.py ", "blank"),
        ("a" * 198 + ".py", "longer than 200 bytes"),
        ("é" * 99 + ".py", "longer than 200 bytes"),
        ("/".join("a" * 21), "more than 20 parts"),
        (".airflowignore", "hide the DAGs"),
        ("astronomer_monitoring_dag.py", "Astro CLI"),
        ("astronomer_monitoring_dag.py/a.py", "Astro CLI"),
    ],
)
def test_a_path_that_leaves_the_folder_or_does_harm_there_is_refused(path: str, words: str):
    (problem,) = problems(of_files({"path": path, "text": ""}))
    assert problem.startswith("dags[0].dependencies[0].path: ")
    assert words in problem


@pytest.mark.parametrize(
    "path",
    [
        "a",
        "a.b/.c",
        "orders/.airflowignore",
        "a b/c d.sql",
        "a" * 197 + ".py",
        "/".join("a" * 20),
        "x/C:",
        "数据/表.sql",
    ],
)
def test_other_paths_are_accepted(path: str):
    assert path in DeployRequest.model_validate(of_files({"path": path, "text": ""})).files


def test_a_dag_file_is_python():
    for name in ("a.PY", "a.sql", "a.pyc", "py", "a.zip"):
        (problem,) = problems(body(dags=[dag(dag_file={"path": name, "text": ""})]))
        assert problem == f"dags[0].dag_file.path: '{name}' does not end in .py."


def test_a_path_is_normalised():
    decomposed = unicodedata.normalize("NFD", "Übung.sql")
    files = DeployRequest.model_validate(of_files({"path": decomposed, "text": ""})).files
    assert "Übung.sql" in files
    assert decomposed not in files


@given(PATHS)
def test_a_path_that_is_accepted_stays_in_its_folder_and_is_listed_there(path: str):
    try:
        request = DeployRequest.model_validate(of_files({"path": path, "text": "text"}))
    except ValidationError:
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        for name in request.files:
            target = root / name
            assert target.resolve().is_relative_to(root)
            assert target.resolve() == target
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text("text")
        assert listing(root) == set(request.files)


@given(st.lists(PLAIN_PATHS, min_size=1, max_size=6))
def test_a_set_that_is_accepted_can_be_held_by_a_folder_that_does_not_tell_cases_apart(paths: list[str]):
    request = body(dags=[dag(dependencies=[{"path": path, "text": ""} for path in paths])])
    folded = {unicodedata.normalize("NFC", path).casefold() for path in [*paths, "orders/medallion.py"]}
    spelled = {unicodedata.normalize("NFC", path) for path in [*paths, "orders/medallion.py"]}
    folders = {path[:index] for path in folded for index, character in enumerate(path) if character == "/"}
    fits = len(folded) == len(spelled) and not folders & folded
    try:
        files = DeployRequest.model_validate(request).files
    except ValidationError:
        assert not fits
        return
    assert fits
    with tempfile.TemporaryDirectory() as folder:
        for name in files:
            target = Path(folder, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.touch(exist_ok=False)
        assert listing(Path(folder)) == set(files)


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("s3://bucket/a.sql", "a.sql"),
        ("s3://my.bucket-1/builds/#7/q?.sql", "q?.sql"),
        ("https://host/a.sql", "a.sql"),
        ("HTTPS://HOST:8443/x/a%2Fb.sql?x=/c", "b.sql"),
        ("https://127.0.0.1/%C3%BC.sql", "ü.sql"),
        ("https://a.b-c.example/x@y.sql?u@v", "x@y.sql"),
    ],
)
def test_a_file_without_a_path_has_the_name_that_its_source_ends_in(source: str, path: str):
    for file in (source, {"source": source}, {"source": source, "path": path}):
        assert path in DeployRequest.model_validate(of_files(file)).files


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("", "is neither"),
        ("a.py", "is neither"),
        ("http://host/a", "is neither"),
        ("file:///etc/passwd", "is neither"),
        ("S3://bucket/a", "is neither"),
        (" s3://bucket/a", "is neither"),
        ("s3://", "does not name a bucket"),
        ("s3://Bucket/a", "does not name a bucket"),
        ("s3://bucket", "has no key"),
        ("s3://bucket/", "has no key"),
        ("s3://bucket/a\nb", "cannot be printed"),
        ("s3://bucket/" + "a" * 1025, "more than 1024 bytes"),
        ("s3://bucket/../other/a", ". or .."),
        ("https://host", "must be https://host/path"),
        ("https://host?a", "must be https://host/path"),
        ("https:///a", "must be https://host/path"),
        ("https://host:0/a", "must be https://host/path"),
        ("https://host:/a", "must be https://host/path"),
        ("https://host:x/a", "must be https://host/path"),
        ("https://host:65536/a", "port above 65535"),
        ("https://a..b/a", "must be https://host/path"),
        ("https://host./a", "must be https://host/path"),
        ("https://[::1]/a", "must be https://host/path"),
        ("https://host\\@other/a", "user"),
        ("https://user:hunter2@host/a", "user"),
        ("https://user@host/a", "user"),
        ("https://host/a#b", "fragment"),
        ("https://host/a b", "percent-encoded"),
        ("https://host/ü", "percent-encoded"),
        ("https://hóst/a", "percent-encoded"),
        ("https://host/%ff", "percent-encoded UTF-8"),
        ("https://host/a\t", "percent-encoded"),
    ],
)
def test_another_source_is_refused(source: str, words: str):
    for file, place in ((source, ""), ({"path": "a", "source": source}, ".source")):
        (problem,) = problems(of_files(file))
        assert problem.startswith(f"dags[0].dependencies[0]{place}: ")
        assert words in problem
        assert "hunter2" not in problem


def test_a_source_that_ends_in_no_name_needs_a_path():
    for source in ("s3://bucket/a/", "https://host/", "https://host/a/?b"):
        (problem,) = problems(of_files(source))
        assert problem == "dags[0].dependencies[0].path: '' is empty."
        DeployRequest.model_validate(of_files({"path": "a", "source": source}))


def test_half_of_a_surrogate_pair_is_no_text():
    files = [{"path": "a\ud800", "text": "\udfff"}, {"path": "b", "source": "s3://bucket/\ud800"}]
    assert problems(of_files(*files)) == [
        "dags[0].dependencies[0].path: 'a\\ud800' has a character that cannot be printed.",
        "dags[0].dependencies[0].text: has half of a surrogate pair.",
        "dags[0].dependencies[1].source: 's3://bucket/\\ud800' has a key that cannot be printed or has more "
        "than 1024 bytes.",
    ]


def test_dags_may_share_their_files_and_nothing_else():
    shared = dag()["dag_file"]
    request = DeployRequest.model_validate(body(dags=[dag("a"), dag("b", dependencies=[shared, shared])]))
    assert list(request.files) == ["orders/medallion.py"]
    assert problems(body(dags=[dag("a"), dag("b"), dag("a")])) == [
        "dags[2].dag_id: 'a' is dags[0].dag_id already, and Airflow shows one DAG of an id."
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"text": "a"}, {"text": "b"}),
        ({"text": "a"}, {"source": "s3://bucket/a"}),
        ({"source": "s3://bucket/a"}, {"source": "s3://bucket/b"}),
        ({"source": "https://host/a?versionId=1"}, {"source": "https://host/a?versionId=2"}),
    ],
)
def test_a_path_has_one_source(one: dict[str, str], other: dict[str, str]):
    path = {"path": "orders/é"}
    DeployRequest.model_validate(of_files(path | one, {"path": "orders/e\u0301"} | one))
    (problem,) = problems(of_files(path | one, path | other))
    assert problem == (
        "dags[0].dependencies[1].path: 'orders/é' has another source in dags[0].dependencies[0]: give one of "
        "the two another path."
    )


def test_a_file_is_no_folder_of_another():
    found = problems(of_files({"path": "a.py/x/y", "text": ""}, {"path": "A.py", "text": ""}))
    assert found == [
        "dags[0].dependencies[0].path: 'a.py/x/y' has a folder of the same name as the file of "
        "dags[0].dependencies[1]."
    ]


def test_no_dags_are_an_order_in_words():
    DeployRequest.model_validate(body(dags=[], remove_all="remove every DAG of orders"))
    assert problems(body(dags=[])) == [
        "dags: is empty; if no DAG is to be left, say remove_all: 'remove every DAG of orders'."
    ]
    for words in (
        "",
        "remove every dag of orders",
        "remove every DAG of orders ",
        "remove every DAG of users",
    ):
        assert problems(body(dags=[], remove_all=words)) == [
            "remove_all: must be 'remove every DAG of orders', in these words."
        ]
    for dags in ([dag()], ["wrong"]):
        found = problems(body(dags=dags, remove_all="remove every DAG of orders"))
        assert "remove_all: is given beside dags: leave one of the two out." in found


def test_as_many_files_as_are_allowed():
    files = [{"path": f"{number}.sql", "text": ""} for number in range(MAX_FILES - 1)]
    assert len(DeployRequest.model_validate(of_files(*files, *files[:100])).files) == MAX_FILES
    (problem,) = problems(of_files(*files, {"path": "one more.sql", "text": ""}))
    assert problem == "dags: has 5,001 files, and 5,000 are allowed."


def test_of_very_many_problems_the_first_are_told():
    found = problems(body(dags=[1] * 2500))
    assert found[999:] == ["dags[999]: must be an object, not a number.", "And 1,500 more problems."]


@given(JSON, st.sampled_from(["", "dags", "dag", "dag_file", "file"]))
def test_whatever_is_refused_is_said_in_plain_words(value: Any, place: str):
    fields = {
        "": value,
        "dags": body(dags=value),
        "dag": body(dags=[value]),
        "dag_file": body(dags=[dag(dag_file=value)]),
        "file": of_files({"path": "a", "source": value}),
    }[place]
    try:
        DeployRequest.model_validate(fields)
    except ValidationError as error:
        found = sentences(error)
        assert found
        for problem in found:
            assert problem.endswith("."), problem
            assert "\n" not in problem
            assert "Input should" not in problem
            assert "pydantic" not in problem
            problem.encode()


@given(
    st.sampled_from(
        ["https://host/a", "http://host/a", "s3://b/a", "x", "", "//", "https://u:p@host/", "a\n/../"]
    ),
    st.integers(min_value=0, max_value=200),
)
@settings(max_examples=50)
def test_no_query_is_repeated_and_no_long_input(start: str, length: int):
    secret = f"{start}{'z' * length}?{SIGNATURE}@#{SIGNATURE}"
    fields = {
        "astroWorkspace": secret,
        "astroDeployment": {secret: secret},
        "repo": secret,
        "requestId": f"{secret}\n",
        "remove_all": secret,
        "dags": [
            {"dag_id": secret, "dag_file": secret, "dependencies": [{"path": secret, "source": secret}]},
            dag(secret, contact_email=secret, dag_file={"source": secret}, description=f"{secret}\n"),
            dag(secret, dependencies=[{"path": secret, "text": "a"}, {"path": secret, "text": "b"}]),
        ],
    }
    with pytest.raises(ValidationError) as raised:
        DeployRequest.model_validate(fields)
    assert "5ecre7" not in f"{raised.value} {raised.value!r}"
    for problem in problems({**fields, secret: 1, "dags": [*fields["dags"], {secret: secret}]}):
        assert "5ecre7" not in problem
        assert problem.count("z") <= 100


def test_a_request_in_a_log_has_no_signature():
    source = f"https://host/a.sql?{SIGNATURE}"
    request = DeployRequest.model_validate(of_files(source, {"path": "b", "text": "hunter2"}))
    assert "5ecre7" not in f"{request} {request!r} {request.files}"
    assert "hunter2" not in repr(request)
    assert request.files["a.sql"].origin == "https://host/a.sql"
    assert request.files["b"].origin == "the text in the request"
