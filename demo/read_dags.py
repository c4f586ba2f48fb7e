"""Has Airflow read the DAGs of a folder: ``read_dags.py FOLDER OWNER ANSWER``, where Airflow is installed.

OWNER is a file of JSON with whose they are. ANSWER gets the request for the deploy function, as projects of
the template astro-dag make it, and the operators of each DAG's tasks.
"""

import json
import sys
from pathlib import Path

sys.path.append(
    str(Path(__file__).resolve().parents[1] / "templates/astro-dag/<<cookiecutter.repo_name>>/ci")
)

from airflow_home import isolate_airflow
from dag_request import NotDeployableError, build_request


def main() -> None:
    """Read, and write the answer."""
    folder, owner, answer = map(Path, sys.argv[1:])
    whose = json.loads(owner.read_text(encoding="utf-8"))
    with isolate_airflow(folder):
        from airflow.dag_processing.dagbag import BundleDagBag

        try:
            request = build_request(folder, whose, whose["deployment"])
        except NotDeployableError as error:
            sys.exit("\n".join(error.problems))
        bag = BundleDagBag(dag_folder=folder, bundle_path=folder, bundle_name="dags-folder")
    operators = {
        dag_id: {task.task_id: task.task_type for task in dag.topological_sort()}
        for dag_id, dag in sorted(bag.dags.items())
    }
    answer.write_text(json.dumps({"request": request, "operators": operators}), encoding="utf-8")


if __name__ == "__main__":
    main()
