from pathlib import Path

import pytest
from skyspark.pipeline.model import Pipeline
from skyspark.pipeline.read import load_pipeline
from skyspark.schema import TableContract

import resources
from schema import tables

FOLDER = Path(resources.__path__[0])
ENVIRONMENTS = sorted(
    file.stem for file in (FOLDER / "settings").glob("*.yaml") if file.stem != "base"
)
CONTRACTS = {c.name: c for c in vars(tables).values() if isinstance(c, TableContract)}


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_the_tables_are_right_in_each_environment(env: str) -> None:
    pipeline = load_pipeline(FOLDER / "config.yml", env=env)
    assert (pipeline.catalog is None) == (env == "local")


def test_every_table_has_a_contract(pipeline: Pipeline) -> None:
    assert {table.name for table in pipeline.tables} <= set(CONTRACTS)


def test_what_a_table_is_for_is_said_in_the_same_words(pipeline: Pipeline) -> None:
    for table in pipeline.tables:
        assert table.description == CONTRACTS[table.name].comment
