"""Steps 6 and 7: what the CI built becomes an image or a bundle, and a workspace that knows it."""

import os
import shutil
import sys
from pathlib import Path

import ci
from databricks.sdk.service.catalog import VolumeType
from databricks_local.errors import NotServingError
from databricks_local.process import LocalWorkspace
from image_root import ImageError, ImageRoot, build_context, make_runtime, walk_dockerfile
from walk import REPOSITORY, DemoError, Project, Step, Walk

_DEPLOY = REPOSITORY / "packages/databricks-local/tests/bundle/deploy.py"
SCHEMA = "stack_exchange"
ENVIRONMENT = "dev"
"""Where the CI deploys what is on `main`, by the name that Airflow and the bundle have for it."""


def deliver(walk: Walk, project: Project) -> LocalWorkspace:
    """Steps 6 and 7: make the artifact, and bring it to a workspace on localhost.

    Returns:
        The workspace, which serves until the walk ends; it has the schema and the volume `landing`.

    Raises:
        DemoError: The artifact cannot be made or the workspace does not take it.
    """
    return _image(walk, project) if walk.kind == "docker" else _bundle(walk, project)


def _image(walk: Walk, project: Project) -> LocalWorkspace:
    checkout = ci.checkout(walk)
    with walk.step(6, "Make the image: wheels, and the Dockerfile over them") as step:
        step.say("$ make wheels")
        collected = walk.run(["make", "wheels"], checkout)
        step.say(
            "No engine is needed: each instruction of the Dockerfile is done in a folder that stands for /"
        )
        step.progress = "walking the Dockerfile"
        context = build_context(checkout, walk.folder / "image-context")
        try:
            image = walk_dockerfile(checkout, context, walk.folder / "image", collected, _spark(checkout))
        except ImageError as error:
            raise DemoError(str(error)) from None
        _describe(step, image)
    url = _image_url(project)
    with walk.step(7, "Push the image to where the workspace pulls it from") as step:
        step.say(f"{url} now stands for that folder")
        workspace = _serve(walk, project, image.python, [f"--image={url}={image.folder}"])
        _furnish(step, workspace, project)
    return workspace


def _bundle(walk: Walk, project: Project) -> LocalWorkspace:
    checkout = ci.checkout(walk)
    with walk.step(6, "Make the bundle: wheels of the project and of what the runtime lacks") as step:
        step.say("$ make package-dependencies")
        collected = walk.run(["make", "package-dependencies"], checkout)
        wheels = sorted(path.name for path in (checkout / "dependency_wheels").glob("*.whl"))
        step.say(f"beside the project's own wheel: {', '.join(wheels)}")
        # What `make bundle-validate` does beside this asks the workspace that the answers name.
        walk.run([".venv/bin/python", "-m", "pytest", "--quiet", "tests/bundle"], checkout)
        step.say("tests/bundle passed: every field, schedule and entry point of the bundle's jobs")
        step.see("bundle", checkout / "databricks.yaml")
    with walk.step(7, "Deploy the bundle to the workspace") as step:
        try:
            python = make_runtime(checkout, walk.folder / "runtime", collected, _spark(checkout))
        except ImageError as error:
            raise DemoError(str(error)) from None
        workspace = _serve(walk, project, python, [])
        _furnish(step, workspace, project)
        environment = {
            "DATABRICKS_HOST": workspace.host,
            "DATABRICKS_TOKEN": workspace.token,
            "DATABRICKS_CONFIG_FILE": os.devnull,
            "DATABRICKS_BUNDLE_ENGINE": "direct",
        }
        shutil.rmtree(checkout / "dist")
        cli = shutil.which("databricks")
        if cli:
            _point_at(checkout / "databricks.yaml", project.answers["databricks_host_dev"], workspace.host)
            step.say(f"$ databricks bundle deploy --target {ENVIRONMENT}")
            walk.run([cli, "bundle", "deploy", "--target", ENVIRONMENT], checkout, environment)
        else:
            step.say("The Databricks CLI is not on PATH: the SDK makes the same calls")
            walk.run([sys.executable, _DEPLOY, checkout, ENVIRONMENT], checkout, environment)
        for job in workspace.client().jobs.list():
            step.say(f"job {job.job_id}: {job.settings.name if job.settings else ''}")
        for pipeline in workspace.client().pipelines.list_pipelines():
            step.say(f"pipeline: {pipeline.name}")
    return workspace


def _spark(checkout: Path) -> Path:
    (packages,) = (checkout / ".venv/lib").glob("python3*/site-packages")
    return packages


def _describe(step: Step, image: ImageRoot) -> None:
    for path in image.copied:
        step.say(f"copied    {path}")
    added = ", ".join(f"{name} {version}" for name, version in sorted(image.installed.items()))
    step.say(f"installed {added}")
    step.say(f"untouched {len(image.runtime)} packages that the Databricks runtime brings, Spark among them")
    step.see("root of the image", image.folder)


def _image_url(project: Project) -> str:
    group, name = project.answers["gitlab_group_name"].lower(), project.name.lower()
    return f"{project.answers['ecr_registry']}/databricks-alchemy/{group}/{name}:{ENVIRONMENT}"


def _serve(walk: Walk, project: Project, python: Path, options: list[str]) -> LocalWorkspace:
    jars = walk.run([ci.checkout(walk) / ".venv/bin/skyspark", "jars", "list"]).splitlines()
    options += ["--offline", f"--python={python}", f"--catalog={project.answers['catalog']}"]
    workspace = LocalWorkspace(walk.folder / "workspace", [*options, *(f"--jar={jar}" for jar in jars)])
    walk.stack.callback(workspace.stop)
    try:
        return workspace.start()
    except NotServingError as error:
        raise DemoError(f"{error} See {workspace.log}.") from None


def _furnish(step: Step, workspace: LocalWorkspace, project: Project) -> None:
    """Make what the workspace's administrator would have made."""
    client, catalog = workspace.client(), project.answers["catalog"]
    client.schemas.create(SCHEMA, catalog)
    client.volumes.create(catalog, SCHEMA, "landing", VolumeType.MANAGED)
    step.say(f"databricks-local has the schema {catalog}.{SCHEMA} and in it the volume landing")
    step.see("workspace", workspace.host)


def _point_at(settings: Path, declared: str, host: str) -> None:
    """Have the bundle's targets name this workspace: the CLI takes no other address than the bundle's."""
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace(declared, host), encoding="utf-8")
