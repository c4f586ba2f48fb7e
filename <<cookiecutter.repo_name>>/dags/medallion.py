<% if cookiecutter.type_of_task == "docker" %>
"""Runs the apps of this project from its image, every day."""

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG
from alchemy.operators.skyspark_operator import SkySparkOperator

PROJECT = "<< cookiecutter.repo_name >>"
GROUP = "<< cookiecutter.gitlab_group_name | lower >>"
REGISTRY = "<< cookiecutter.ecr_registry >>"
SCHEDULE = "<< cookiecutter.schedule >>"
SQUAD = "<< cookiecutter.squad_name >>"
AWS_PROJECT = "<< cookiecutter.aws_project_name >>"
# Each Airflow names itself in its variable `environment`; CI tags an image with where it goes.
ENVIRONMENT = "{{ var.value.get('environment', 'dev') }}"

with DAG(
    dag_id=PROJECT,
    schedule=SCHEDULE,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={
        "owner": SQUAD,
        "retries": 2,
        "retry_delay": timedelta(minutes=5),
        "docker_image": f"{REGISTRY}/databricks-alchemy/{GROUP}/{PROJECT.lower()}:{ENVIRONMENT}",
        "databricks_runtime": "<< cookiecutter.databricks_runtime >>.x-scala2.13",
        "project": AWS_PROJECT,
        "max_workers": 4,
    },
    tags=["skyspark"],
):
    medallion = SkySparkOperator(
        task_id="medallion",
        spark_app="medallion",
        cmd_params=["--env", ENVIRONMENT],
    )
    daily_tags = SkySparkOperator(
        task_id="daily_tags",
        spark_app="daily_tags",
        cmd_params=["--env", ENVIRONMENT, "--date", "{{ ds }}"],
    )
    medallion >> daily_tags
<% else %>
"""Runs the job that the bundle deploys."""

from datetime import UTC, datetime

from airflow.providers.databricks.operators.databricks import DatabricksRunNowOperator
from airflow.sdk import DAG

PROJECT = "<< cookiecutter.repo_name >>"
SQUAD = "<< cookiecutter.squad_name >>"

# The job has a schedule of its own: pause it there before setting one here.
with DAG(
    dag_id=PROJECT,
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": SQUAD},
    tags=["skyspark"],
):
    DatabricksRunNowOperator(
        task_id="medallion",
        job_name=PROJECT,
        deferrable=True,
    )
<% endif %>
