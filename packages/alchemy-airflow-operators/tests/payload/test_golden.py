"""Arguments of operators beside the requests they become: ``ALCHEMY_REWRITE_GOLDEN=1`` writes these anew."""

import json
import os
from pathlib import Path
from pkgutil import resolve_name
from urllib.error import HTTPError

import pytest
from airflow.providers.databricks.utils.databricks import normalise_json_content
from airflow.sdk import DAG
from databricks.sdk.service.jobs import JobsAPI

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(path.name for path in GOLDEN.iterdir())
OPERATORS = {
    "SkySparkOperator": "alchemy.operators.skyspark_operator:SkySparkOperator",
    "SkySparkBundleOperator": "alchemy.operators.skyspark_bundle_operator:SkySparkBundleOperator",
}
CALLS = {"SkySparkOperator": JobsAPI.submit, "SkySparkBundleOperator": JobsAPI.run_now}
ROUTES = {
    "SkySparkOperator": "/api/2.2/jobs/runs/submit",
    "SkySparkBundleOperator": "/api/2.2/jobs/run-now",
}
ID_FIELDS = ("instance_pool_id", "driver_instance_pool_id", "job_id")


def read(case, name):
    return json.loads((GOLDEN / case / name).read_text(encoding="utf-8"))


def replaced(value, ids):
    """Return a body with other texts in its fields of ids."""
    if isinstance(value, list):
        return [replaced(each, ids) for each in value]
    if isinstance(value, dict):
        return {key: ids[each] if key in ID_FIELDS else replaced(each, ids) for key, each in value.items()}
    return value


def labels(named):
    return {identity: f"<id of {name}>" for name, identity in named.ids.items()}


def test_each_case_has_its_input_and_its_payload_and_nothing_else():
    assert {case: {path.name for path in (GOLDEN / case).iterdir()} for case in CASES} == {
        case: {"input.json", "payload.json"} for case in CASES
    }


@pytest.mark.parametrize("case", CASES)
def test_arguments_become_the_request_that_they_became(case, named):
    written = read(case, "input.json")
    arguments = replaced(written["arguments"], named.ids)
    with DAG("orders"):
        operator = resolve_name(OPERATORS[written["operator"]])(task_id="medallion", **arguments)
    sent = replaced(normalise_json_content(operator.payload({})), labels(named))
    golden = GOLDEN / case / "payload.json"
    if os.environ.get("ALCHEMY_REWRITE_GOLDEN"):
        golden.write_text(json.dumps(sent, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    assert sent == json.loads(golden.read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES)
def test_the_api_knows_every_field_and_has_it_where_it_stands(case, by_the_sdk):
    payload = read(case, "payload.json")
    assert by_the_sdk(CALLS[read(case, "input.json")["operator"]], payload) == payload


def test_a_workspace_accepts_all_of_them(named):
    ids = {label: identity for identity, label in labels(named).items()}
    client, refused, started = named.workspace.client(), {}, []
    for case in CASES:
        body = replaced(read(case, "payload.json"), ids)
        try:
            answer = named.workspace.call("POST", ROUTES[read(case, "input.json")["operator"]], body)
        except HTTPError as error:
            refused[case] = error.read().decode()
        else:
            started.append(answer["run_id"])
    for run_id in started:
        client.jobs.cancel_run(run_id)
    assert refused == {}
    assert len(set(started)) == len(CASES)


def test_a_clash_is_logged_without_its_values(named, capfd):
    arguments = read("docker_settings_of_the_author_win", "input.json")["arguments"]
    with DAG("orders"):
        operator = resolve_name(OPERATORS["SkySparkOperator"])(task_id="medallion", **arguments)
    operator.payload({})
    logged = [line for text in capfd.readouterr() for line in text.splitlines() if "replaces that of" in line]
    keys = arguments["additional_spark_conf"]
    assert [key for line in logged for key in keys if key in line] == list(keys)
    assert [value for value in ("Private", "Custom", "com.example") if value in "".join(logged)] == []
