"""Pipelines beside the SQL that they become: ``SKYSPARK_REWRITE_GOLDEN=1`` writes it anew."""

import os
from pathlib import Path

import pytest
from skyspark.errors import PipelineError, StreamingError
from skyspark.pipeline.plan import Selection, make_plan
from skyspark.pipeline.read import load_pipeline
from skyspark.pipeline.sql import generate

CASES = sorted((Path(__file__).parent / "golden_sql").iterdir())
DIALECTS = ("databricks", "spark")
INPUTS = {"config.yml", "transformations"}


def _made(case, dialect):
    plan = make_plan(load_pipeline(case / "config.yml"), Selection())
    try:
        files = generate(plan, dialect, per_table=case.name == "changes")
    except (PipelineError, StreamingError) as error:
        return {f"{dialect}.error.txt": f"{error}\n"}
    return {f"{dialect}/{file.path}": file.text for file in files}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_sql_is_as_it_was(case, monkeypatch):
    monkeypatch.syspath_prepend(str(case))
    made = {path: text for dialect in DIALECTS for path, text in _made(case, dialect).items()}
    there = {
        str(path.relative_to(case)): path
        for path in sorted(case.rglob("*"))
        if path.is_file() and path.relative_to(case).parts[0] not in INPUTS
    }
    if os.environ.get("SKYSPARK_REWRITE_GOLDEN"):
        for path in set(there) - set(made):
            there[path].unlink()
        for path, text in made.items():
            (case / path).parent.mkdir(exist_ok=True)
            (case / path).write_text(text, encoding="utf-8")
        there = {path: case / path for path in made}
    assert {path: file.read_text(encoding="utf-8") for path, file in there.items()} == made
