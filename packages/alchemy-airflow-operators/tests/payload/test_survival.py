"""Whatever the arguments of an operator are: what they mean reaches the API."""

import json
from datetime import timedelta

import pytest
from airflow.providers.databricks.utils.databricks import normalise_json_content
from airflow.sdk import DAG
from alchemy.operators.skyspark_bundle_operator import SkySparkBundleOperator
from alchemy.operators.skyspark_operator import SkySparkOperator
from alchemy.payload.cluster import new_cluster
from alchemy.payload.run import repair_run, submit_run
from alchemy.payload.task import task
from databricks.sdk.service.jobs import JobsAPI
from databricks_local.fields import fields_of
from hypothesis import given
from hypothesis import strategies as st

awkward = st.sampled_from(
    ["{{ ds }}", "{{secrets/scope/key}}", "'", '"', "\\", "$HOME", "true", "1", "None", "a\nb"]
)
texts = st.text() | awkward
values = texts | st.integers() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False)
mappings = st.dictionaries(st.text(min_size=1), values, max_size=4)
names = st.from_regex(r"\A[a-z][a-z0-9]{0,10}(-[a-z0-9]{1,5})?\Z")
someone = st.emails() | st.uuids().map(str)


def optional(strategy):
    """Draw None, as an argument that is left out, or something."""
    return st.none() | strategy


docker = st.fixed_dictionaries(
    {
        "spark_app": names,
        "docker_image": names.map("databricks-alchemy/group/{}:1.4.0".format),
        "databricks_runtime": st.sampled_from(["17.3.x-scala2.13", "18.x-scala2.13"]),
        "jars": st.lists(texts, max_size=3),
        "cmd_params": st.lists(values, max_size=5),
        "spark_s3_iam_role": optional(names.map("alc-db-{}".format)),
        "max_workers": st.integers(1, 1000),
        "project": optional(values),
        "data_processing_type": optional(values),
        "enable_glue_access": st.booleans(),
        "additional_spark_conf": optional(mappings),
        "spark_env_vars": optional(mappings),
        "node_type_id": optional(names),
        "run_as": optional(someone),
        "notifications": optional(
            st.dictionaries(
                st.sampled_from(["on_start", "on_success", "on_failure"]), st.lists(someone, max_size=3)
            )
        ),
        "timeout": optional(st.integers(1, 10**6) | st.timedeltas(timedelta(seconds=1), timedelta(days=100))),
    }
)


def said(value):
    """Return a value as Spark and command lines have it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def leaves(value):
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from leaves(each)
    else:
        yield value


def shape(value):
    """Return a body with nothing at its leaves."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    return [shape(each) for each in value] if isinstance(value, list) else None


@pytest.fixture(scope="module")
def survives(by_the_sdk):
    """Return a function that checks what the provider makes of a body."""

    def check(call, body):
        sent = normalise_json_content(body)
        assert shape(sent) == shape(body)
        assert all(isinstance(leaf, str | bool) for leaf in leaves(sent))
        # The API reads out of it what was put in: numbers where it has numbers, text where it has text.
        assert fields_of(call).check(sent) == body
        assert json.loads(json.dumps(sent)) == sent
        assert by_the_sdk(call, sent) == sent
        return sent

    return check


def made(operator, **arguments):
    with DAG("orders"):
        return operator(task_id="medallion", **arguments)


@given(arguments=docker)
def test_every_argument_of_a_run_from_an_image_reaches_the_api(named, survives, arguments):
    sent = survives(JobsAPI.submit, made(SkySparkOperator, **arguments).payload({}))
    (only,) = sent["tasks"]
    cluster = only["new_cluster"]
    assert only["python_wheel_task"].get("parameters", []) == list(map(said, arguments["cmd_params"]))
    assert [library["jar"] for library in only.get("libraries", [])] == arguments["jars"]
    for key, value in (arguments["additional_spark_conf"] or {}).items():
        assert cluster["spark_conf"][key] == said(value)
    assert cluster.get("spark_env_vars", {}) == {
        name: said(value) for name, value in (arguments["spark_env_vars"] or {}).items()
    }
    tags = {name: arguments[name] for name in ("project", "data_processing_type")}
    assert cluster.get("custom_tags", {}) == {
        name: said(value) for name, value in tags.items() if value is not None
    }


@given(
    archives=st.lists(texts.filter(lambda text: "," not in text and text), min_size=1, max_size=3),
    parameters=st.lists(values, max_size=5),
)
def test_archives_of_a_python_file_reach_the_api(named, survives, archives, parameters):
    operator = made(
        SkySparkOperator,
        spark_app="s3://bucket/load.py",
        docker_image="databricks-alchemy/group/job:1.4.0",
        databricks_runtime="17.3.x-scala2.13",
        py_files=archives,
        cmd_params=parameters,
    )
    (only,) = survives(JobsAPI.submit, operator.payload({}))["tasks"]
    assert only["spark_python_task"].get("parameters", []) == list(map(said, parameters))
    assert only["new_cluster"]["spark_conf"]["spark.submit.pyFiles"].split(",") == archives


@given(
    arguments=st.fixed_dictionaries(
        {"job_id": st.integers(0, 2**63 - 1), "job_parameters": optional(mappings)}
    )
)
def test_every_parameter_of_a_job_reaches_the_api(named, survives, arguments):
    sent = survives(JobsAPI.run_now, made(SkySparkBundleOperator, **arguments).payload({}))
    wanted = arguments["job_parameters"] or {}
    assert sent.get("job_parameters", {}) == {name: said(value) for name, value in wanted.items()}


@given(
    run_id=st.integers(1, 2**63 - 1), latest=optional(st.integers(1, 2**63 - 1)), wanted=optional(mappings)
)
def test_a_repair_reaches_the_api(survives, run_id, latest, wanted):
    sent = survives(JobsAPI.repair_run, repair_run(run_id, latest, wanted))
    assert sent["rerun_all_failed_tasks"] is True


@given(pool=st.text(min_size=1), driver=optional(st.text(min_size=1)), policy=optional(st.text(min_size=1)))
def test_ids_reach_the_api(survives, pool, driver, policy):
    cluster = new_cluster(
        databricks_runtime="17.3.x-scala2.13",
        spark_conf={},
        instance_pool_id=pool,
        driver_instance_pool_id=driver,
        policy_id=policy,
    )
    del cluster["spark_conf"]
    sent = survives(JobsAPI.submit, submit_run("orders", task("load", {}, cluster)))
    found = sent["tasks"][0]["new_cluster"]
    assert (found["instance_pool_id"], found.get("driver_instance_pool_id"), found.get("policy_id")) == (
        pool,
        driver,
        policy,
    )
