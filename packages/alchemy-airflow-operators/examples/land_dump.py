"""Lands the raw dump in the volume, which starts the project's Dag."""

import os
from pathlib import Path

from airflow.sdk import Asset, BaseHook, Variable, dag, task

SCHEMA = "main.stack_exchange"


@dag(schedule=None)
def land_dump() -> None:
    """Land what lies in the folder that the variable `dump_folder` names."""

    @task(outlets=[Asset(f"{SCHEMA}.landing")])
    def land() -> list[str]:
        # Imported where it is used: this file is parsed again and again.
        from databricks.sdk import WorkspaceClient

        connection = BaseHook.get_connection("databricks_default")
        host = f"{connection.schema or 'https'}://{connection.host}:{connection.port or 443}"
        client = WorkspaceClient(host=host, token=connection.password, config_file=os.devnull)
        dump = sorted(Path(Variable.get("dump_folder")).glob("*.xml"))
        for path in dump:
            with path.open("rb") as stream:
                volume = SCHEMA.replace(".", "/")
                client.files.upload(f"/Volumes/{volume}/landing/{path.name}", stream, overwrite=True)
        return [path.name for path in dump]

    land()


land_dump()
