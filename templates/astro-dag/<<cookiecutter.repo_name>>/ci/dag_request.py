"""The request that the deploy function takes: the DAGs of dags/, and the other files there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

# What of the owner's table in pyproject.toml is told with each DAG.
_CONTACTS = ("contact_email", "squad_name", "alert_slack_channel")


class NotDeployableError(Exception):
    """The folder cannot be deployed as it is.

    Attributes:
        problems: a sentence for each thing to mend.
    """

    def __init__(self, problems: list[str]):
        super().__init__(" ".join(problems))
        self.problems = problems


def build_request(folder: Path, owner: Mapping[str, str], deployment: str) -> dict[str, Any]:
    """Read the DAGs with Airflow and write down what is to be deployed.

    The function takes the files of a repository as one set, so each is listed once: those without
    a DAG are the dependencies of the first one. Texts are sent along: no bucket is needed.

    Args:
        folder: dags/, laid out as the Deployment's own, which other repositories share.
        owner: the table `tool.deploy-dags` of pyproject.toml.
        deployment: the Astro Deployment, as the function calls it.

    Raises:
        NotDeployableError: a file does not load or is no text, or there is no DAG.
    """
    # Settings of Airflow that the caller makes must come before its import.
    from airflow.dag_processing.dagbag import BundleDagBag

    bag = BundleDagBag(dag_folder=folder, bundle_path=folder, bundle_name="dags-folder")
    problems = [
        f"dags/{file} does not load: {str(error).strip().splitlines()[-1]}"
        for file, error in sorted(bag.import_errors.items())
    ]
    texts = {}
    for path in _files(folder):
        try:
            texts[path.as_posix()] = (folder / path).read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            problems.append(f"dags/{path.as_posix()} is no text in UTF-8: keep data in a bucket.")
    if not problems and not bag.dags:
        problems.append("dags/ has no DAG: nothing can be deployed.")
    if problems:
        raise NotDeployableError(problems)

    files = {
        dag_id: Path(dag.fileloc).relative_to(folder).as_posix()
        for dag_id, dag in sorted(bag.dags.items())
    }
    dags: list[dict[str, Any]] = [
        {
            "dag_id": dag_id,
            "dag_file": {"path": file, "text": texts[file]},
            "dependencies": [],
            **{name: owner[name] for name in _CONTACTS},
            "description": " ".join((bag.dags[dag_id].description or dag_id).split())[:1000],
        }
        for dag_id, file in files.items()
    ]
    dags[0]["dependencies"] = [
        {"path": path, "text": text} for path, text in texts.items() if path not in files.values()
    ]
    return {
        "astroWorkspace": owner["workspace"],
        "astroDeployment": deployment,
        "repo": owner["repo"],
        "requestId": str(uuid4()),
        "body": {"dags": dags},
    }


def _files(folder: Path) -> list[Path]:
    """List what belongs to the DAGs: not what Python and editors leave behind."""
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return [
        file
        for file in files
        if "__pycache__" not in file.parts
        and (file.name == ".airflowignore" or not any(part.startswith(".") for part in file.parts))
    ]
