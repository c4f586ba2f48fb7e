"""Deploys a bundle as `databricks bundle deploy` does, by the SDK: ``deploy.py FOLDER TARGET``.

It builds the artifacts, resolves variables, globs and relative paths, uploads files and wheels, applies the
presets of a development target, and makes schemas, volumes, pipelines and jobs. It prints the ids of the last
two by their keys. The workspace is the one that DATABRICKS_HOST and DATABRICKS_TOKEN name.
"""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.workspace import ImportFormat

Json = dict[str, Any]

_REFERENCE = re.compile(r"\$\{([\w.\-]+)\}")
# In the order in which one needs the others.
_PATHS = {
    "schemas": "/api/2.1/unity-catalog/schemas",
    "volumes": "/api/2.1/unity-catalog/volumes",
    "pipelines": "/api/2.0/pipelines",
    "jobs": "/api/2.2/jobs/create",
}
_IDS = {"pipelines": "pipeline_id", "jobs": "job_id"}
# What the CLI keeps to itself, or sets by other calls.
_NOT_SENT = ("lifecycle", "permissions")


class Bundle:
    """A bundle for one target."""

    def __init__(self, folder: Path, target: str, client: WorkspaceClient) -> None:
        self.folder = folder
        self._client = client
        self._settings = _load(folder / "databricks.yaml")
        self._target = {**self._settings["targets"][target]}
        me = client.current_user.me().user_name or ""
        self._known = {
            "bundle.name": self._settings["bundle"]["name"],
            "bundle.target": target,
            "workspace.current_user.userName": me,
            "workspace.current_user.short_name": me.partition("@")[0],
        }
        self._known |= {
            f"var.{name}": variable["default"]
            for name, variable in self._settings.get("variables", {}).items()
        }
        self.root = self.resolved(self._target["workspace"]["root_path"])
        self._known |= {"workspace.root_path": self.root, "workspace.file_path": f"{self.root}/files"}

    def resolved(self, value: Any) -> Any:
        """Return a value with its references replaced."""
        if isinstance(value, str):
            return _REFERENCE.sub(lambda found: self.resolved(self._known[found[1]]), value)
        if isinstance(value, list):
            return [self.resolved(each) for each in value]
        if isinstance(value, dict):
            return {key: self.resolved(each) for key, each in value.items()}
        return value

    def build(self) -> None:
        """Build the artifacts."""
        for artifact in self._settings.get("artifacts", {}).values():
            subprocess.run(shlex.split(artifact["build"]), cwd=self.folder, check=True, stdout=sys.stderr)

    def upload(self) -> None:
        """Upload what is synchronized."""
        for path in self._settings["sync"]["paths"]:
            for file in sorted((self.folder / path).rglob("*")):
                if file.is_file() and "__pycache__" not in file.parts:
                    self._upload(file, f"{self.root}/files/{file.relative_to(self.folder)}")

    def resources(self) -> Iterator[tuple[str, str, Json]]:
        """Yield kind, key and settings of all resources, with the paths of the workspace."""
        declared = [
            (kind, key, settings, file.parent)
            for pattern in self._settings["include"]
            for file in sorted(self.folder.glob(pattern))
            for kind, found in _load(file)["resources"].items()
            for key, settings in found.items()
        ]
        for kind, key, settings, _ in declared:
            self._known[f"resources.{kind}.{key}.name"] = settings["name"]
        for kind, key, settings, beside in sorted(declared, key=lambda each: list(_PATHS).index(each[0])):
            sent = {name: value for name, value in settings.items() if name not in _NOT_SENT}
            yield kind, key, self._placed(kind, self.resolved(sent), beside)

    def _placed(self, kind: str, settings: Json, beside: Path) -> Json:
        if kind in ("schemas", "volumes"):
            return settings
        if "run_as" in self._target:
            settings = {"run_as": self._target["run_as"], **settings}
        if self._target.get("mode") == "development":
            short = self._known["workspace.current_user.short_name"]
            settings["name"] = f"[dev {short}] {settings['name']}"
            settings["tags"] = {**settings.get("tags", {}), "dev": short}
        if kind == "jobs":
            return self._placed_job(settings, beside)
        settings["libraries"] = _each(settings.get("libraries", []), lambda path: self._synced(path, beside))
        settings["root_path"] = self._synced(settings["root_path"], beside)
        environment = settings.get("environment")
        if environment:
            environment["dependencies"] = [
                wheel for line in environment["dependencies"] for wheel in self._wheels(line, beside)
            ]
        if self._target.get("mode") == "development":
            settings["development"] = True
        return settings

    def _placed_job(self, settings: Json, beside: Path) -> Json:
        if self._target.get("mode") == "development" and "schedule" in settings:
            settings["schedule"]["pause_status"] = "PAUSED"
        for task in settings["tasks"]:
            notebook = task.get("notebook_task")
            if notebook:
                path = self._synced(notebook["notebook_path"], beside)
                # A notebook has no ending in the workspace.
                notebook["notebook_path"] = path.removesuffix(".py")
            task["libraries"] = [
                {"whl": wheel}
                for library in task.get("libraries", [])
                for wheel in self._wheels(library["whl"], beside)
            ]
        return settings

    def _wheels(self, pattern: str, beside: Path) -> list[str]:
        found = sorted(beside.glob(pattern))
        if not found:
            raise SystemExit(f"error: no files match pattern: {pattern}")
        wheels = {f"{self.root}/artifacts/.internal/{wheel.name}": wheel for wheel in found}
        for path, wheel in wheels.items():
            self._upload(wheel, path)
        return list(wheels)

    def _synced(self, path: str, beside: Path) -> str:
        below = (beside / path).resolve().relative_to(self.folder.resolve())
        return f"{self.root}/files/{below}"

    def _upload(self, file: Path, path: str) -> None:
        self._client.workspace.mkdirs(path.rpartition("/")[0])
        with file.open("rb") as content:
            self._client.workspace.upload(path, content, format=ImportFormat.AUTO, overwrite=True)


def _load(file: Path) -> Json:
    content: Json = yaml.safe_load(file.read_text(encoding="utf-8"))
    return content


def _each(libraries: list[Json], place: Callable[[str], str]) -> list[Json]:
    return [
        {kind: {field: place(path) for field, path in named.items()} for kind, named in library.items()}
        for library in libraries
    ]


def deploy(folder: Path, target: str) -> Json:
    """Deploy a bundle and return the ids of its pipelines and jobs."""
    client = WorkspaceClient()
    bundle = Bundle(folder, target, client)
    bundle.build()
    bundle.upload()
    ids: Json = {kind: {} for kind in _IDS}
    for kind, key, settings in bundle.resources():
        answer: Any = client.api_client.do("POST", _PATHS[kind], body=settings)
        if kind in _IDS:
            ids[kind][key] = answer[_IDS[kind]]
    return ids


if __name__ == "__main__":
    sys.stdout.write(json.dumps(deploy(Path(sys.argv[1]), sys.argv[2])) + "\n")
