import pytest
from alchemy.payload.cluster import DEFAULT_NODE_TYPE, new_cluster

RUNTIME = "17.3.x-scala2.13"
IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/group/job:1.4.0"
MINIMAL = {
    "spark_version": RUNTIME,
    "autoscale": {"min_workers": 1, "max_workers": 8},
    "data_security_mode": "SINGLE_USER",
    "spark_conf": {},
    "node_type_id": DEFAULT_NODE_TYPE,
}


def cluster(**arguments):
    return new_cluster(**{"databricks_runtime": RUNTIME, "spark_conf": {}} | arguments)


def test_a_cluster_is_of_one_user_and_grows_to_eight_workers():
    assert cluster() == MINIMAL


@pytest.mark.parametrize(
    "runtime",
    [
        "17.3.x-scala2.13",
        "18.x-scala2.13",
        "16.4.x-scala2.12",
        "16.4.x-photon-scala2.12",
        "17.3.x-cpu-ml-scala2.13",
        "18.x-gpu-ml-scala2.13",
    ],
)
def test_keys_of_runtimes_are_sent_as_they_are(runtime):
    assert cluster(databricks_runtime=runtime)["spark_version"] == runtime


def test_one_worker_is_a_cluster_that_does_not_grow():
    sent = cluster(max_workers=1)
    assert sent["num_workers"] == 1
    assert "autoscale" not in sent


@pytest.mark.parametrize("workers", [2, 8, 100])
def test_more_workers_are_the_most_that_it_grows_to(workers):
    sent = cluster(max_workers=workers)
    assert sent["autoscale"] == {"min_workers": 1, "max_workers": workers}
    assert "num_workers" not in sent


def test_a_number_from_a_template_is_a_number():
    assert cluster(max_workers="4") == cluster(max_workers=4)


def test_the_image_is_named_with_nothing_to_log_in_with():
    assert cluster(docker_image=IMAGE)["docker_image"] == {"url": IMAGE}


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        ({}, {"node_type_id": DEFAULT_NODE_TYPE}),
        ({"node_type_id": "r5d.xlarge"}, {"node_type_id": "r5d.xlarge"}),
        ({"instance_pool_id": "workers"}, {"instance_pool_id": "workers"}),
        (
            {"instance_pool_id": "workers", "driver_instance_pool_id": "drivers"},
            {"instance_pool_id": "workers", "driver_instance_pool_id": "drivers"},
        ),
        ({"policy_id": "policy"}, {"policy_id": "policy", "apply_policy_default_values": True}),
        (
            {"policy_id": "policy", "node_type_id": "r5d.xlarge"},
            {"policy_id": "policy", "apply_policy_default_values": True, "node_type_id": "r5d.xlarge"},
        ),
        (
            {"policy_id": "policy", "instance_pool_id": "workers"},
            {"policy_id": "policy", "apply_policy_default_values": True, "instance_pool_id": "workers"},
        ),
    ],
)
def test_nodes_come_from_a_type_a_pool_or_what_the_policy_says(arguments, sent):
    assert cluster(**arguments) == {key: MINIMAL[key] for key in MINIMAL if key != "node_type_id"} | sent


def test_tags_without_a_value_are_left_out_and_others_are_texts():
    sent = cluster(tags={"project": "orders", "data_processing_type": None, "cost-center": 4711})
    assert sent["custom_tags"] == {"project": "orders", "cost-center": "4711"}


def test_without_tags_and_variables_there_are_no_empty_fields():
    sent = cluster(tags={"project": None}, spark_env_vars={})
    assert sent == MINIMAL


def test_variables_are_texts():
    sent = cluster(spark_env_vars={"DEBUG": True, "RETRIES": 3, "NAME": "naïve 'x'"})
    assert sent["spark_env_vars"] == {"DEBUG": "true", "RETRIES": "3", "NAME": "naïve 'x'"}


def test_nodes_are_what_the_instance_profile_says():
    arn = "arn:aws:iam::123456789012:instance-profile/databricks"
    assert cluster(instance_profile_arn=arn)["aws_attributes"] == {"instance_profile_arn": arn}
