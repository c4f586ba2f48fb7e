"""Takes the pictures of docs/images from the real things, each by a name of its own.

.venv/bin/python scripts/screenshots.py              all of them
.venv/bin/python scripts/screenshots.py run-page     one of them
.venv/bin/python scripts/screenshots.py demo         the page that `make demo` has left in build/demo
"""

import argparse
import base64
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import record_wizard
from databricks.sdk.service.compute import Environment
from databricks.sdk.service.jobs import JobEnvironment, SparkPythonTask, SubmitTask, TaskDependency
from databricks.sdk.service.workspace import ImportFormat
from databricks_local.process import LocalWorkspace
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
BIN = ROOT / ".venv" / "bin"
# So that pages load fast and the repository stays small.
LARGEST_BYTES = 150_000
_QUALITY = 80
_FOLDER = "/Shared/orders"
# Tasks of a run: what each waits for, and what it does.
_TASKS = {
    "landing": ([], "import time; time.sleep(4); print('3 files')"),
    "customers": (["landing"], "import time; time.sleep(3); print('103 rows')"),
    "orders": (["landing"], "import time; time.sleep(6); print('1008 rows')"),
    "revenue": (["customers", "orders"], "import time; time.sleep(3); print('28 days')"),
    "mail": (["revenue"], "raise ConnectionRefusedError('mail.example.com does not answer')"),
}


@contextmanager
def _browser_page(width: int, height: int) -> Iterator[Page]:
    chromium = shutil.which("chromium")
    with sync_playwright() as playwright:
        kind = playwright.chromium
        browser = kind.launch(executable_path=chromium) if chromium else kind.launch(channel="chrome")
        # On a screen of twice the dots, scaled down where it is shown, letters stay sharp.
        context = browser.new_context(
            viewport={"width": width, "height": height}, device_scale_factor=1.5, color_scheme="light"
        )
        try:
            yield context.new_page()
        finally:
            browser.close()


def _take(page: Page, name: str) -> None:
    """Write what the page shows as WebP, which no other format that browsers write comes near in size."""
    taken = page.context.new_cdp_session(page).send(
        "Page.captureScreenshot", {"format": "webp", "quality": _QUALITY}
    )
    (IMAGES / name).write_bytes(base64.b64decode(taken["data"]))


def _run(*words: str, folder: Path) -> None:
    subprocess.run(words, cwd=folder, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def _example() -> Iterator[Path]:
    """Give a copy of the example pipeline with its data."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "customers_orders"
        shutil.copytree(ROOT / "examples" / "customers_orders", folder)
        _run(sys.executable, "generate.py", "data", "--rows", "1000", "--seed", "1", folder=folder)
        yield folder


def report() -> None:
    """run-report.webp: the page that `skyspark run` writes."""
    with _example() as folder:
        _run(str(BIN / "skyspark"), "run", "config.yml", "--results", "results", folder=folder)
        with _browser_page(1100, 690) as page:
            page.goto((folder / "results" / "run.html").as_uri())
            _take(page, "run-report.webp")


def lineage() -> None:
    """lineage.webp: the page that `skyspark graph` writes."""
    with _example() as folder:
        _run(str(BIN / "skyspark"), "graph", "config.yml", "-o", "lineage.html", folder=folder)
        with _browser_page(1100, 480) as page:
            page.goto((folder / "lineage.html").as_uri())
            _take(page, "lineage.webp")


def run_page() -> None:
    """run-page.webp: the page of a run in databricks-local, one of whose tasks has failed."""
    with tempfile.TemporaryDirectory() as scratch:
        workspace = LocalWorkspace(Path(scratch) / "workspace").start()
        try:
            client = workspace.client()
            client.workspace.mkdirs(_FOLDER)
            for key, (_, code) in _TASKS.items():
                client.workspace.upload(
                    f"{_FOLDER}/{key}.py", code.encode(), format=ImportFormat.RAW, overwrite=True
                )
            tasks = [
                SubmitTask(
                    key,
                    spark_python_task=SparkPythonTask(f"/Workspace{_FOLDER}/{key}.py"),
                    environment_key="default",
                    depends_on=[TaskDependency(one) for one in before],
                )
                for key, (before, _) in _TASKS.items()
            ]
            environments = [JobEnvironment("default", Environment(environment_version="4"))]
            run_id = client.jobs.submit(run_name="orders", tasks=tasks, environments=environments).run_id
            while (run := client.jobs.get_run(run_id)).end_time in (None, 0):
                time.sleep(0.5)
            with _browser_page(1100, 780) as page:
                page.goto(str(workspace.call("POST", "/api/databricks-local/logins")["url"]))
                page.goto(str(run.run_page_url))
                page.wait_for_load_state("networkidle")
                _take(page, "run-page.webp")
        finally:
            workspace.stop()


def update() -> None:
    """update.svg: an update of a project that meets what its owner wrote in the same lines."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        template = folder / "template"
        _run("git", "clone", "--quiet", str(ROOT), str(template), folder=folder)
        # Else the project would name where this checkout comes from.
        _run("git", "remote", "remove", "origin", folder=template)
        _tag_releases(template)
        cut = [str(BIN / "mshell-cut"), "cut", "--template", str(template), "--checkout", "v0.1.0"]
        _run(*cut, "--no-input", "--set", "repo_name=orders-pipeline", "--git", folder=folder)
        project = folder / "orders-pipeline"
        readme = project / "README.md"
        readme.write_text(readme.read_text().replace("make run APP=medallion", "make run APP=orders", 1))
        _run("git", "commit", "--quiet", "--all", "--message", "Name our own app", folder=project)
        with record_wizard.terminal(project):
            record_wizard.press([" mshell-cut update --to v0.2.0", record_wizard.ENTER])
            record_wizard.wait_for("--continue")
            record_wizard.press([" git --no-pager diff README.md", record_wizard.ENTER])
            record_wizard.wait_for(">>>>>>>")
            shown = record_wizard.screen("-e").rstrip("$ \n")
        record_wizard.picture("update.svg", "orders-pipeline", shown)


def demo() -> None:
    """demo.webp: the page at the end of `make demo`, once that has run."""
    written = ROOT / "build" / "demo" / "docker.html"
    if not written.is_file():
        sys.exit(f"{written} is not there: run 'make demo' first.")
    with _browser_page(1100, 1000) as page:
        page.goto(written.as_uri())
        _take(page, "demo.webp")


def _tag_releases(template: Path) -> None:
    sys.path.insert(0, str(ROOT / "tests"))
    from scaffold import RELEASES

    for tag, commit in RELEASES.items():
        _run("git", "tag", "--force", tag, commit, folder=template)


PICTURES: dict[str, Callable[[], None]] = {
    "update": update,
    "report": report,
    "lineage": lineage,
    "run-page": run_page,
    "demo": demo,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "pictures", nargs="*", metavar="PICTURE", choices=[*PICTURES, []], help=", ".join(PICTURES)
    )
    for name in parser.parse_args().pictures or [one for one in PICTURES if one != "demo"]:
        print(f"{name} …", flush=True)
        PICTURES[name]()
    too_large = [file.name for file in IMAGES.iterdir() if file.stat().st_size > LARGEST_BYTES]
    if too_large:
        sys.exit(f"larger than {LARGEST_BYTES} bytes: {', '.join(sorted(too_large))}.")


if __name__ == "__main__":
    main()
