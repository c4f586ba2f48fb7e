"""Sums the revenue of each country, once a day: bronze, silver and gold."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from airflow.providers.slack.notifications.slack import SlackNotifier
from airflow.providers.smtp.notifications.smtp import SmtpNotifier
from airflow.sdk import Asset, dag, task

from << cookiecutter.pipeline_name >> import steps, storage

PIPELINE = "<< cookiecutter.pipeline_name >>"
SQUAD = "<< cookiecutter.squad_name >>"
AWS_PROJECT = "<< cookiecutter.aws_project_name >>"
CHANNEL = "<< cookiecutter.alert_slack_channel >>"
SCHEDULE = "0 5 * * *"
FOLDER = Path(__file__).parent

# Read when a task runs: read here, it would cost a query each time this file is parsed.
ROOT = "{{ var.value.<< cookiecutter.pipeline_name >>_root }}"
# A run that was started by hand or by an asset has no logical date, and so no {{ ds }}.
DAY = "{{ (dag_run.logical_date or dag_run.run_after) | ds }}"

# A DAG that has it in its schedule runs after this one.
REVENUE = Asset(f"{PIPELINE}.revenue")

# Both go out when a task fails for the last time, through Airflow's connections
# `slack_api_default` and `smtp_default`.
SLACK = SlackNotifier(
    channel=CHANNEL,
    text="`{{ ti.dag_id }}.{{ ti.task_id }}` failed: <{{ ti.log_url }}|log of {{ ti.run_id }}>",
)
MAIL = SmtpNotifier(
    to=[
        "<< cookiecutter.contact_email >>",
    ],
    subject="{{ ti.dag_id }}.{{ ti.task_id }} failed",
    html_content="{{ exception | e }}<br><a href='{{ ti.log_url }}'>Log of {{ ti.run_id }}</a>",
)


@dag(
    dag_id=PIPELINE,
    description="Sums the revenue of each country, once a day",
    doc_md=str(FOLDER / "README.md"),
    schedule=SCHEDULE,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={
        "owner": SQUAD,
        "retries": 2,
        "retry_delay": timedelta(minutes=5),
        "execution_timeout": timedelta(minutes=30),
        "on_failure_callback": [SLACK, MAIL],
    },
    tags=[SQUAD, AWS_PROJECT],
)
def pipeline() -> None:
    """Each step writes a file and names it to the next one: they may run on different workers."""

    @task
    def bronze(root: str, day: str) -> str:
        with (FOLDER / "data" / "orders.csv").open(encoding="utf-8", newline="") as landed:
            return storage.write(root, "bronze", day, steps.bronze(landed))

    @task
    def silver(file: str, root: str, day: str) -> str:
        return storage.write(root, "silver", day, steps.silver(storage.read(file)))

    @task(outlets=[REVENUE])
    def gold(file: str, root: str, day: str) -> str:
        return storage.write(root, "gold", day, steps.gold(storage.read(file)))

    gold(silver(bronze(ROOT, DAY), ROOT, DAY), ROOT, DAY)


pipeline()
