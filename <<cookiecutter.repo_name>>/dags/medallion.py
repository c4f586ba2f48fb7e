<% if cookiecutter.type_of_task == "docker" %>
"""Runs the apps of this project from its image: by the clock, and when the dump is new."""

from datetime import UTC, datetime, timedelta

from airflow.providers.smtp.notifications.smtp import SmtpNotifier
from airflow.sdk import DAG, Asset
from airflow.timetables.assets import AssetOrTimeSchedule
from airflow.timetables.trigger import CronTriggerTimetable
from alchemy.operators.skyspark_operator import SkySparkOperator

PROJECT = "<< cookiecutter.repo_name >>"
GROUP = "<< cookiecutter.gitlab_group_name | lower >>"
REGISTRY = "<< cookiecutter.ecr_registry >>"
SCHEDULE = "<< cookiecutter.schedule >>"
SQUAD = "<< cookiecutter.squad_name >>"
AWS_PROJECT = "<< cookiecutter.aws_project_name >>"
SCHEMA = "<< cookiecutter.catalog >>.stack_exchange"

# Each Airflow names itself in its variable `environment`: dev, staging or prod. CI tags images so.
# It is read when a task runs: read here, it would cost a query each time this file is parsed.
ENVIRONMENT = "{{ var.value.get('environment', 'dev') }}"
# A run that an asset started has no logical date, and so no {{ ds }}.
DAY = "{{ (dag_run.logical_date or dag_run.run_after) | ds }}"

# A DAG that loads the dump names it in its outlets and thereby starts this one.
DUMP = Asset(f"{SCHEMA}.landing")
# Goes out when a task fails for the last time, through Airflow's connection `smtp_default`.
MAIL = SmtpNotifier(
    to=[
        "<< cookiecutter.contact_email >>",
    ],
    subject="{{ ti.dag_id }}.{{ ti.task_id }} failed",
    html_content="{{ exception | e }}<br><a href='{{ ti.log_url }}'>Log of {{ ti.run_id }}</a>",
)

with DAG(
    dag_id=PROJECT,
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable(SCHEDULE, timezone="UTC"), assets=[DUMP]
    ),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={
        "owner": SQUAD,
        "retries": 2,
        "retry_delay": timedelta(minutes=5),
        "on_failure_callback": MAIL,
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
        # A DAG that has one of these in its schedule runs after this task.
        outlets=[Asset(f"{SCHEMA}.gold_popular_tags"), Asset(f"{SCHEMA}.gold_posts_with_users")],
    )
    daily_tags = SkySparkOperator(
        task_id="daily_tags",
        spark_app="daily_tags",
        cmd_params=["--env", ENVIRONMENT, "--date", DAY],
        outlets=[Asset(f"{SCHEMA}.gold_daily_tags")],
    )
    medallion >> daily_tags
<% else %>
"""Runs the job that the bundle deploys when the dump is new."""

from datetime import UTC, datetime, timedelta

from airflow.providers.smtp.notifications.smtp import SmtpNotifier
from airflow.sdk import DAG, Asset
from alchemy.operators.skyspark_bundle_operator import SkySparkBundleOperator

PROJECT = "<< cookiecutter.repo_name >>"
SQUAD = "<< cookiecutter.squad_name >>"
SCHEMA = "<< cookiecutter.catalog >>.stack_exchange"

# Each Airflow names itself in its variable `environment`, as databricks.yaml names its targets.
# It is read when a task runs: read here, it would cost a query each time this file is parsed.
ENVIRONMENT = "{{ var.value.get('environment', 'dev') }}"
# A run that an asset started has no logical date, and so no {{ ds }}.
DAY = "{{ (dag_run.logical_date or dag_run.run_after) | ds }}"

# A DAG that loads the dump names it in its outlets and thereby starts this one.
DUMP = Asset(f"{SCHEMA}.landing")
# Goes out when a task fails for the last time, through Airflow's connection `smtp_default`.
MAIL = SmtpNotifier(
    to=[
        "<< cookiecutter.contact_email >>",
    ],
    subject="{{ ti.dag_id }}.{{ ti.task_id }} failed",
    html_content="{{ exception | e }}<br><a href='{{ ti.log_url }}'>Log of {{ ti.run_id }}</a>",
)

with DAG(
    dag_id=PROJECT,
    # The job has a clock of its own, in databricks-workflows/: pause it before you set a cron here.
    schedule=[DUMP],
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={
        "owner": SQUAD,
        "retries": 2,
        "retry_delay": timedelta(minutes=5),
        "on_failure_callback": MAIL,
    },
    tags=["skyspark"],
):
    SkySparkBundleOperator(
        task_id="medallion",
        databricks_conn_id=f"databricks_{ENVIRONMENT}",
        job_name=PROJECT,
        job_parameters={"date": DAY},
        # A DAG that has one of these in its schedule runs after this task.
        outlets=[
            Asset(f"{SCHEMA}.gold_popular_tags"),
            Asset(f"{SCHEMA}.gold_posts_with_users"),
            Asset(f"{SCHEMA}.gold_daily_tags"),
        ],
    )
<% endif %>
