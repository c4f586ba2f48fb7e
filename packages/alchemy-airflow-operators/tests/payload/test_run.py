from datetime import timedelta
from enum import Enum

import pytest
from alchemy.payload.notifications import notifications
from alchemy.payload.run import repair_run, run_now, submit_run
from alchemy.payload.task import python_task, task, wheel_task

APPLICATION = "0F1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"


def test_a_run_has_a_name_and_one_task():
    assert submit_run("orders.load", {"task_key": "load"}) == {
        "run_name": "orders.load",
        "tasks": [{"task_key": "load"}],
    }


@pytest.mark.parametrize(
    ("run_as", "sent"),
    [
        ("ana@example.com", {"user_name": "ana@example.com"}),
        (APPLICATION, {"service_principal_name": APPLICATION}),
    ],
)
def test_a_run_is_of_a_user_or_of_a_service_principal(run_as, sent):
    assert submit_run("orders.load", {}, run_as=run_as)["run_as"] == sent


@pytest.mark.parametrize(
    ("timeout", "seconds"),
    [
        (90, 90),
        (90.4, 90),
        ("90", 90),
        (2**31 - 1, 2**31 - 1),
        (timedelta(hours=2), 7200),
        (timedelta(days=30), 2_592_000),
    ],
)
def test_a_timeout_is_in_whole_seconds(timeout, seconds):
    sent = submit_run("orders.load", {}, timeout=timeout)["timeout_seconds"]
    assert (sent, type(sent)) == (seconds, int)


def test_addresses_get_mails_and_other_destinations_are_called():
    assert notifications(
        {
            "on_start": ["team@example.com"],
            "on_failure": ["ana@example.com", "7f3c", "team@example.com"],
            "on_success": [],
        }
    ) == {
        "email_notifications": {
            "on_start": ["team@example.com"],
            "on_failure": ["ana@example.com", "team@example.com"],
        },
        "webhook_notifications": {"on_failure": [{"id": "7f3c"}]},
    }


def test_who_tells_nobody_sends_no_empty_fields():
    assert notifications({"on_failure": []}) == {}


def test_an_installed_package_is_started_by_its_entry_point():
    assert wheel_task("orders", "load", ["--date", "2026-01-01", 3, True]) == {
        "python_wheel_task": {
            "package_name": "orders",
            "entry_point": "load",
            "parameters": ["--date", "2026-01-01", "3", "true"],
        }
    }


def test_a_member_of_an_enumeration_is_its_text():
    class Environment(str, Enum):  # noqa: UP042 (others write it so)
        PROD = "prod"

    sent = wheel_task("orders", "load", ["--env", Environment.PROD])
    assert sent["python_wheel_task"]["parameters"] == ["--env", "prod"]


def test_without_a_command_line_there_is_no_empty_field():
    assert wheel_task("orders", "load", []) == {
        "python_wheel_task": {"package_name": "orders", "entry_point": "load"},
    }
    assert python_task("/load.py", []) == {"spark_python_task": {"python_file": "/load.py"}}


@pytest.mark.parametrize(
    "path",
    [
        "s3://bucket/apps/load.py",
        "dbfs:/apps/load.py",
        "/Workspace/Shared/load.py",
        "/Volumes/main/apps/files/load.py",
    ],
)
def test_a_python_file_is_started_by_its_path(path):
    assert python_task(path, ["a b"]) == {
        "spark_python_task": {"python_file": path, "parameters": ["a b"]},
    }


def test_jars_are_libraries_of_the_task():
    jars = ["s3://bucket/one.jar", "/Volumes/main/jars/files/two.jar"]
    assert task("load", {"python_wheel_task": {}}, {"num_workers": 1}, jars=jars) == {
        "task_key": "load",
        "new_cluster": {"num_workers": 1},
        "python_wheel_task": {},
        "libraries": [{"jar": jars[0]}, {"jar": jars[1]}],
    }


@pytest.mark.parametrize(
    ("name", "key"),
    [("load", "load"), ("group.load", "group_load"), ("laden-größe", "laden-gr_e"), ("x" * 250, "x" * 100)],
)
def test_a_tasks_key_has_only_what_the_api_takes(name, key):
    assert task(name, {}, {})["task_key"] == key


def test_a_job_is_run_with_its_own_parameters_or_others():
    assert run_now(17) == {"job_id": 17}
    assert run_now(17, {"date": "2026-01-01", "full": True, "days": 3}) == {
        "job_id": 17,
        "job_parameters": {"date": "2026-01-01", "full": "true", "days": "3"},
    }


def test_a_repair_runs_all_failed_tasks_and_names_the_repair_before():
    assert repair_run(17, None) == {"run_id": 17, "rerun_all_failed_tasks": True}
    assert repair_run(17, 4, {"date": "2026-01-01"}) == {
        "run_id": 17,
        "rerun_all_failed_tasks": True,
        "latest_repair_id": 4,
        "job_parameters": {"date": "2026-01-01"},
    }
