"""Transformations in Python: found without being imported, and called with their inputs."""

import os
import sys
import zipfile
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from pyspark.sql import SparkSession
from skyspark.errors import PipelineError, TransformationError
from skyspark.pipeline.functions import call_function, table
from skyspark.pipeline.model import Pipeline
from skyspark.pipeline.module_finder import ModuleFinder
from skyspark.pipeline.read import load_pipeline
from skyspark.pipeline.transformations import PythonFunction

Load = Callable[..., Pipeline]
TABLE = "tables:\n  - {name: orders, layer: gold, source: {path: /a}}\n"


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    monkeypatch.chdir(tmp_path)

    def load(files: Mapping[str, str], config: str = "config.yml") -> Pipeline:
        for name, text in {config: TABLE, **files}.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return load_pipeline(config)

    return load


def function_of(pipeline: Pipeline, name: str = "orders") -> str:
    transformation = pipeline.by_name[name].transformation
    assert isinstance(transformation, PythonFunction)
    return transformation.function


MODULE = "transformations/gold/orders.py"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def orders(source): ...", "orders"),
        ("from skyspark import table\n@table\ndef f(source): ...", "f"),
        ("from skyspark import table as t\n@t()\ndef f(source): ...", "f"),
        ("import skyspark as sky\n@sky.table(name='orders')\ndef f(source): ...\ndef orders(x): ...", "f"),
        ("from skyspark.pipeline.functions import table\n@table(name='orders')\ndef f(source): ...", "f"),
        ("import skyspark.pipeline.functions\n@skyspark.pipeline.functions.table\ndef f(source): ...", "f"),
        ("from other import table\n@table\ndef f(x): ...\ndef orders(source): ...", "orders"),
        ("from skyspark import table\n@table(name='x')\ndef f(y): ...\ndef orders(source): ...", "orders"),
        ("try:\n    import x\nexcept ImportError:\n    pass\nelse:\n    def orders(source): ...", "orders"),
        ("if True:\n    def orders(source): ...", "orders"),
        ("with x:\n    orders = lambda source: source", "orders"),
        ("from other import orders", "orders"),
        ("import functools\n@functools.cache\ndef orders(what_the_decorator_gives): ...", "orders"),
        ("def orders(**inputs): ...", "orders"),
        ("def orders(spark, source, *, top=1, **others): ...", "orders"),
        ("class orders:\n    def __init__(self, source): ...", "orders"),
        ("raise SystemExit('imported')\ndef orders(source): ...", "orders"),
    ],
)
def test_functions_are_found_without_import(load: Load, source: str, found: str) -> None:
    assert function_of(load({MODULE: source})) == f"transformations.gold.orders.{found}"
    assert "transformations" not in sys.modules


@pytest.mark.parametrize(
    ("folder", "config"),
    [
        ("", "config.yml"),
        ("src", "config.yml"),
        ("", "conf/dev/config.yml"),
        ("src", "conf/dev/config.yml"),
        ("conf/src", "conf/dev/config.yml"),
    ],
)
def test_modules_are_found_next_to_the_file(load: Load, tmp_path: Path, folder: str, config: str) -> None:
    load({str(Path(folder, MODULE)): "def orders(source): ...", "src/x": "", "conf/src/x": ""}, config)
    assert sys.path[0] == str(tmp_path / folder)
    assert os.environ["PYTHONPATH"].split(os.pathsep)[0] == str(tmp_path / folder)


def test_folders_above_the_current_one_are_not_searched(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load({MODULE: "def orders(source): ...", "below/config.yml": TABLE})
    sys.path.remove(str(tmp_path))
    monkeypatch.chdir("below")
    # Its source passes through: there is no module any more.
    assert load_pipeline("config.yml").by_name["orders"].transformation is None


@pytest.mark.parametrize("init", [("transformations/__init__.py", "transformations/gold/__init__.py"), ()])
def test_modules_are_found_where_python_looks(load: Load, tmp_path: Path, init: tuple[str, ...]) -> None:
    for name, text in {MODULE: "def orders(source): ...", **dict.fromkeys(init, "")}.items():
        file = tmp_path / "elsewhere" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    sys.path.insert(0, str(tmp_path / "elsewhere"))
    assert function_of(load({})) == "transformations.gold.orders.orders"


def test_modules_are_found_in_archives(load: Load, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "wheel.zip", "w") as archive:
        archive.writestr("packed/__init__.py", "")
        archive.writestr("packed/orders.py", "def f(source): ...")
    sys.path.insert(0, str(tmp_path / "wheel.zip"))
    config = TABLE.replace("}}", "}, transformation: {type: python, function: packed.orders.%s}}")
    assert function_of(load({"config.yml": config % "f"})) == "packed.orders.f"
    with pytest.raises(PipelineError, match="has no function 'g'"):
        load({"config.yml": config % "g"})


def test_the_root_package_can_have_another_name(load: Load) -> None:
    pipeline = load(
        {
            "config.yml": "module_root: etl.tables\n" + TABLE,
            "etl/tables/gold/orders.py": "def orders(source): ...",
        }
    )
    assert function_of(pipeline) == "etl.tables.gold.orders.orders"


def test_functions_of_a_notebook_are_known(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = ModuleType("made")
    notebook.f = lambda source: source  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "made", notebook)
    config = TABLE.replace("}}", "}, transformation: {type: python, function: made.%s}}")
    assert function_of(load({"config.yml": config % "f"})) == "made.f"
    with pytest.raises(PipelineError, match="made has no function 'g'"):
        load({"config.yml": config % "g"})


def test_installed_packages_are_not_forgotten_for_others_of_their_folder(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "site-packages"
    (installed / "transformations/gold").mkdir(parents=True)
    (installed / MODULE).write_text("def orders(source): ...")
    (installed / "common.py").write_text("")
    monkeypatch.syspath_prepend(installed)
    import_module("transformations.gold.orders")
    common = import_module("common")
    load({MODULE: "def orders(source): ..."})
    assert "transformations.gold.orders" not in sys.modules
    assert sys.modules["common"] is common


def test_packages_of_the_standard_library_are_not_opened(load: Load) -> None:
    config = TABLE.replace("}}", "}, transformation: {type: python, function: math.sqrt}}")
    assert function_of(load({"config.yml": config})) == "math.sqrt"


@pytest.mark.parametrize("source", ["def orders(source", "\0", "# coding: nope\n", "(" * 5000])
def test_what_is_no_python_is_a_sentence(load: Load, source: str) -> None:
    with pytest.raises(PipelineError, match=r"config\.yml:2: tables\[0\]: .*orders\.py is no valid Python"):
        load({MODULE: source})


def test_each_pipeline_gets_its_own_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two", "one"):
        folder = tmp_path / name
        for file, text in {
            "config.yml": TABLE,
            MODULE: "from common import made\nclass Frame:\n    sparkSession = made\ndef orders(): return "
            "Frame",
            "common.py": f"made = '{name}'",
        }.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(text)
        monkeypatch.chdir(folder)
        function = function_of(load_pipeline("config.yml"))
        frame = call_function(function, object(), {}, {})  # type: ignore[arg-type]  # no Spark is asked for
        assert frame.sparkSession == name


def test_nothing_is_put_on_the_path_for_a_file_that_is_wrong(load: Load) -> None:
    before = list(sys.path)
    with pytest.raises(PipelineError):
        load({MODULE: "def orders(source): ...", "config.yml": "nmae: x\n" + TABLE})
    assert sys.path == before


def test_a_finder_reads_each_module_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "made.py").write_text("def f(): ...")
    finder = ModuleFinder(tmp_path / "config.yml")
    first = finder.find("made")
    assert first is not None
    assert first.file == str(tmp_path / "made.py")
    assert finder.find("made") is first
    assert finder.find("made.below") is None
    assert finder.find("nope") is None


class Frame:
    """What a function returns passes for a frame if it has a session."""

    sparkSession = None  # noqa: N815 - PySpark's name


def call(tmp_path: Path, source: str, **params: object) -> object:
    (tmp_path / "made.py").write_text("from test_frames import Frame\n" + source)
    sys.modules.pop("made", None)
    sys.path.insert(0, str(tmp_path))
    inputs = {"a": "frame a", "b": "frame b"}
    return call_function("made.f", "session", inputs, params)  # type: ignore[arg-type]  # texts stand in


@pytest.fixture
def frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "test_frames", sys.modules[__name__])


def remember(signature: str) -> str:
    made = "type('Made', (Frame,), {'given': given})()"
    return f"def f({signature}):\n    given = locals()\n    return {made}\n"


@pytest.mark.parametrize(
    ("signature", "given"),
    [
        ("a", {"a": "frame a"}),
        ("b, spark, top=1", {"b": "frame b", "spark": "session", "top": 5}),
        ("*, a", {"a": "frame a"}),
        ("**inputs", {"inputs": {"a": "frame a", "b": "frame b", "top": 5}}),
        ("spark, **inputs", {"spark": "session", "inputs": {"a": "frame a", "b": "frame b", "top": 5}}),
        ("other=3", {"other": 3}),
    ],
)
def test_parameters_get_what_has_their_name(
    tmp_path: Path, frames: None, signature: str, given: dict[str, object]
) -> None:
    assert call(tmp_path, remember(signature), top=5).given == given  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("def g(): ...", "made.f: made has no function 'f'."),
        (
            "def f(aa): ...",
            "made.f: nothing is given for its parameter aa (did you mean 'a'?): name a table it "
            "depends on, or set it in params.",
        ),
        (
            "def f(*, x): ...",
            "made.f: nothing is given for its parameter x: name a table it depends on, or set it in params.",
        ),
        ("def f(a): return a", "made.f returned str and must return a DataFrame."),
        ("import nope_x", "made.f: there is no module nope_x."),
    ],
)
def test_calls_that_cannot_work_are_sentences(
    tmp_path: Path, frames: None, source: str, sentence: str
) -> None:
    with pytest.raises(TransformationError) as caught:
        call(tmp_path, source)
    assert str(caught.value) == sentence


def test_a_marked_function_stays_the_function_it_was() -> None:
    def f() -> None: ...

    assert table(f) is f
    assert table(name="x")(f) is f


@pytest.mark.spark_matrix
def test_udfs_of_modules_next_to_the_file_run(load: Load, spark: SparkSession) -> None:
    pipeline = load(
        {
            "common.py": "def plus(x): return x + 1",
            MODULE: "from pyspark.sql import functions as F\nfrom common import plus\n"
            "def orders(source): return source.select(F.udf(plus, 'long')('id').alias('n'))",
        }
    )
    frame = call_function(function_of(pipeline), spark, {"source": spark.range(2)}, {})
    assert sorted(row.n for row in frame.collect()) == [1, 2]
