"""What cannot become a request is refused in one sentence: the argument, its value, what to do."""

import re
from datetime import timedelta

import pytest
from alchemy.errors import PayloadError
from alchemy.payload.cluster import new_cluster
from alchemy.payload.iam_role import role_arn
from alchemy.payload.image import complete_image, package_of
from alchemy.payload.notifications import notifications
from alchemy.payload.run import run_now, submit_run
from alchemy.payload.spark_conf import layers
from alchemy.payload.task import python_task, task, wheel_task

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


def cluster(**arguments):
    return new_cluster(**{"databricks_runtime": "17.3.x-scala2.13", "spark_conf": {}} | arguments)


def run(**arguments):
    return submit_run("orders", {}, **arguments)


def role(name, **arguments):
    return role_arn(name, **{"registry": ECR} | arguments)


def image(address, registry=ECR):
    return complete_image(address, registry)


# What is called with what, the argument that the sentence names, and the values it must show.
REFUSED = [
    *(
        (lambda runtime=runtime: cluster(databricks_runtime=runtime), "databricks_runtime", [repr(runtime)])
        for runtime in ("", "17.3", "17.3-LTS", "latest", "17.3.x-scala2.13\n", "17.3.x", None, 17.3)
    ),
    (
        lambda: cluster(databricks_runtime="17.3.x-cpu-ml-scala2.13", docker_image=f"{ECR}/job:1"),
        "databricks_runtime",
        ["'17.3.x-cpu-ml-scala2.13'"],
    ),
    *(
        (lambda workers=workers: cluster(max_workers=workers), "max_workers", [repr(workers)])
        for workers in (0, -1, 1.5, True, None, "many", "", "0", "-1")
    ),
    (
        lambda: cluster(node_type_id="m5d.xlarge", instance_pool_id="pool"),
        "instance_pool_name",
        ["node_type_id"],
    ),
    (lambda: cluster(driver_instance_pool_id="pool"), "driver_instance_pool_name", ["instance_pool_name"]),
    (lambda: cluster(tags={"project": ["a"]}), "project", ["['a']"]),
    (lambda: cluster(spark_env_vars={"A": None}), "spark_env_vars['A']", ["None"]),
    (lambda: cluster(spark_env_vars="A=1"), "spark_env_vars", ["'A=1'"]),
    *(
        (lambda address=address: image(address), "docker_image", [repr(address)])
        for address in (
            "",
            "Group/job:1",
            "group//job:1",
            "/job:1",
            "group/job:",
            "group/job:1 ",
            "group/job:a b",
            "https://registry.example.com/job:1",
            f"group/job@sha256:{'f' * 63}",
            "group/job:" + "1" * 129,
            None,
            1,
        )
    ),
    (lambda: image("group/job"), "docker_image", ["'group/job'", "tag"]),
    (lambda: image(f"{ECR}/group/job"), "docker_image", ["tag"]),
    (lambda: image("group/job:1", None), "docker_image", ["'group/job:1'", "ecr_registry"]),
    *(
        (lambda registry=registry: image("group/job:1", registry), "ecr_registry", [repr(registry)])
        for registry in ("ecr", "http://registry.example.com", "registry.example.com with more", "a//b")
    ),
    (lambda: package_of("Group/job:1"), "docker_image", ["'Group/job:1'"]),
    *(
        (lambda name=name: role(name), "spark_s3_iam_role", [repr(name)])
        for name in (
            "orders",
            "db-orders",
            "ALC-DB-orders",
            "alc-db-orders\n",
            "alc-db-größe",
            "data/alc-db-orders",
            "alc-db-" + "x" * 58,
            "arn:aws:iam::123456789012:role/orders",
            "arn:aws:iam::123456789012:role/alc-db-x/orders",
            "arn:aws:iam::123456789012:user/alc-db-orders",
            "arn:aws:iam::1234:role/alc-db-orders",
            "arn:aws:iam::123456789012:instance-profile/alc-db-orders",
            None,
            12,
        )
    ),
    (
        lambda: role("alc-db-orders", registry=None),
        "spark_s3_iam_role",
        ["'alc-db-orders'", "aws_account_id"],
    ),
    (
        lambda: role("alc-db-orders", registry="registry.example.com"),
        "spark_s3_iam_role",
        ["'alc-db-orders'", "aws_account_id"],
    ),
    (lambda: role("alc-db-orders", account="1234"), "spark_s3_iam_role", ["aws_account_id"]),
    (lambda: notifications({"on_error": ["a@example.com"]}), "notifications", ["'on_error'", "on_failure"]),
    (
        lambda: notifications({"on_duration_warning_threshold_exceeded": ["a@example.com"]}),
        "notifications",
        ["'on_duration_warning_threshold_exceeded'", "on_failure"],
    ),
    (lambda: notifications({"on_failure": "a@example.com"}), "notifications['on_failure']", ["list"]),
    (lambda: notifications({"on_failure": None}), "notifications['on_failure']", ["None", "list"]),
    (lambda: notifications({"on_failure": [None]}), "notifications['on_failure'][0]", ["None"]),
    (lambda: notifications({"on_failure": ["a", "b", "c", "d"]}), "notifications['on_failure']", ["4", "3"]),
    (lambda: notifications(["a@example.com"]), "notifications", ["['a@example.com']"]),
    *(
        (lambda who=who: run(run_as=who), "run_as", [repr(who)])
        for who in ("ana", "0f1e2d3c", "group:data", 17, ["ana@example.com"])
    ),
    *(
        (lambda timeout=timeout: run(timeout=timeout), "timeout", [repr(timeout)])
        for timeout in (
            0,
            -5,
            0.5,
            True,
            float("nan"),
            float("inf"),
            "soon",
            timedelta(0),
            timedelta(milliseconds=900),
            timedelta(days=-1),
        )
    ),
    (lambda: run_now(1, {"date": None}), "job_parameters['date']", ["None"]),
    (lambda: run_now(1, ["date"]), "job_parameters", ["['date']"]),
    (lambda: layers(additional={"spark.a": ["x"]}), "additional_spark_conf['spark.a']", ["['x']"]),
    (lambda: layers(additional="spark.a=1"), "additional_spark_conf", ["'spark.a=1'"]),
    (lambda: layers(py_files="s3://bucket/a.zip"), "py_files", ["'s3://bucket/a.zip'", "list"]),
    (lambda: layers(py_files=["s3://bucket/a,b.zip"]), "py_files", ["'s3://bucket/a,b.zip'"]),
    (lambda: layers(py_files=[None]), "py_files[0]", ["None"]),
    (lambda: layers(glue="perhaps"), "enable_glue_access", ["'perhaps'"]),
    *(
        (lambda name=name: wheel_task(name, "load", []), "package_name", [repr(name)])
        for name in ("", "my package", "orders>=1", "größe", None)
    ),
    *(
        (lambda name=name: wheel_task("orders", name, []), "spark_app", [repr(name)])
        for name in ("", "apps.load:main", "load.py now", "orders/load", None)
    ),
    (lambda: wheel_task("orders", "load", "--full"), "cmd_params", ["'--full'", "list"]),
    (lambda: wheel_task("orders", "load", {"--full": True}), "cmd_params", ["list"]),
    (lambda: wheel_task("orders", "load", None), "cmd_params", ["None", "list"]),
    (lambda: wheel_task("orders", "load", ["--date", None]), "cmd_params[1]", ["None"]),
    *(
        (lambda path=path: python_task(path, []), "spark_app", [repr(path)])
        for path in ("load", "s3://bucket/load.zip", "apps/load.py", "load.py", "", None)
    ),
    (lambda: task("load", {}, {}, jars="s3://bucket/a.jar"), "jars", ["'s3://bucket/a.jar'", "list"]),
    (lambda: task("load", {}, {}, jars=[None]), "jars[0]", ["None"]),
]


@pytest.mark.parametrize(("call", "argument", "shown"), REFUSED)
def test_a_refusal_is_one_sentence_with_the_argument_its_value_and_what_to_do(call, argument, shown):
    with pytest.raises(PayloadError) as raised:
        call()
    sentence = str(raised.value)
    assert argument in sentence
    assert [value for value in shown if value not in sentence] == []
    assert sentence.endswith(".")
    assert "\n" not in sentence
    # First what is wrong, then after the colon what to do.
    assert re.search(r": [a-z].{8,}\.\Z", sentence)
