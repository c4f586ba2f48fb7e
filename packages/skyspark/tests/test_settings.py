"""Settings from files and the environment."""

import pytest
from pydantic import BaseModel, SecretStr
from skyspark import Settings, load_settings
from skyspark.errors import SettingsError, SkySparkError


class Limits(BaseModel):
    rows: int = 1
    days: int = 2


class Own(Settings):
    limits: Limits = Limits()
    token: SecretStr = SecretStr("")


@pytest.fixture
def folder(tmp_path, clean_env):
    def write(**files):
        (tmp_path / "settings").mkdir(exist_ok=True)
        for name, content in files.items():
            (tmp_path / "settings" / f"{name}.yaml").write_text(content)
        return tmp_path

    return write


def test_environment_beats_env_file_beats_base(folder, clean_env):
    path = folder(
        base="schema_name: a\ncatalog: base\nlimits: {rows: 5, days: 5}",
        dev="catalog: dev\nlimits: {rows: 6}",
    )
    clean_env.setenv("SKYSPARK_LIMITS__DAYS", "7")
    settings = load_settings(Own, path, "dev")
    assert (settings.env, settings.catalog, settings.schema_name) == ("dev", "dev", "a")
    assert (settings.limits.rows, settings.limits.days) == (6, 7)
    clean_env.setenv("SKYSPARK_CATALOG", "shell")
    assert load_settings(Own, path, "dev").catalog == "shell"


def test_the_environment_asked_for_is_the_one_given(folder, clean_env):
    path = folder(base="schema_name: a\nenv: prod", dev="")
    clean_env.setenv("SKYSPARK_ENV", "prod")
    assert load_settings(Settings, path, "dev").env == "dev"


def test_local_needs_no_file_of_its_own(folder):
    assert load_settings(Settings, folder(base="schema_name: a"), "local").table("t") == "a.t"


def test_a_package_holds_settings(tmp_path, clean_env):
    package = tmp_path / "some_resources"
    (package / "settings").mkdir(parents=True)
    (package / "settings" / "base.yaml").write_text("schema_name: packaged")
    clean_env.syspath_prepend(str(tmp_path))
    assert load_settings(Settings, "some_resources", "local").schema_name == "packaged"
    with pytest.raises(SettingsError, match="there is no package 'no_such_resources'"):
        load_settings(Settings, "no_such_resources", "local")


@pytest.mark.parametrize(
    ("files", "env", "words"),
    [
        (
            {"base": "schema_name: a", "dev": "", "prod": ""},
            "prd",
            "'prd' has no settings (did you mean 'prod'?)",
        ),
        ({"base": "schema_name: a", "dev": "", "prod": ""}, "x", "known environments are dev, prod"),
        ({"base": "schema_name: a"}, "../x", "'../x' is no environment"),
        ({"base": "catalog: a"}, "local", "'schema_name' is missing"),
        (
            {"base": "schema_name: a\nshema_name: b"},
            "local",
            "'shema_name' is unknown (did you mean 'schema_name'?)",
        ),
        ({"base": "a: ["}, "local", "line 1 is not valid YAML"),
        ({"base": "- a"}, "local", "not a list"),
        (
            {"base": "schema_name: a\nlimits: {rows: many}"},
            "local",
            "'limits.rows': input should be a valid integer",
        ),
    ],
)
def test_mistakes_are_said_in_words(folder, files, env, words):
    with pytest.raises(SettingsError) as raised:
        load_settings(Own, folder(**files), env)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_values_are_never_shown(folder):
    with pytest.raises(SettingsError) as raised:
        load_settings(Own, folder(base="schema_name: a\ntoken: [hunter2]"), "local")
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    ("catalog", "name", "full"),
    [(None, "t", "s.t"), ("main", "t", "main.s.t"), ("my-cat", "2t", "`my-cat`.s.`2t`")],
)
def test_names_of_tables(clean_env, catalog, name, full):
    assert Settings(schema_name="s", catalog=catalog).table(name) == full


def test_a_table_has_no_dots(clean_env):
    with pytest.raises(SkySparkError, match=r"holds '\.'"):
        Settings(schema_name="s").table("a.b")
