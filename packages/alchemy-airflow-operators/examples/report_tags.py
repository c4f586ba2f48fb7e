"""Runs each time the gold table is new, whoever made it."""

from airflow.sdk import Asset, dag, get_current_context, task

POPULAR_TAGS = Asset("main.stack_exchange.gold_popular_tags")


@dag(schedule=[POPULAR_TAGS])
def report_tags() -> None:
    """Say which task made the table new."""

    @task
    def report() -> list[str]:
        events = get_current_context()["triggering_asset_events"][POPULAR_TAGS]
        return [f"{event.source_dag_id}.{event.source_task_id}" for event in events]

    report()


report_tags()
