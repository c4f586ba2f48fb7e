from pathlib import Path

import pytest
from skyspark import load_settings

import resources
from common.settings import StackExchangeSettings

ENVIRONMENTS = sorted(
    file.stem
    for file in (Path(resources.__path__[0]) / "settings").glob("*.yaml")
    if file.stem != "base"
)


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_the_settings_of_each_environment_are_valid(env: str) -> None:
    settings = load_settings(StackExchangeSettings, "resources", env)
    assert settings.env == env
    assert (settings.catalog is None) == (env == "local")
