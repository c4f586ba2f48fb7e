"""The pages in a real browser: Chromium, driven by Playwright."""

import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.compute import Environment
from databricks.sdk.service.jobs import (
    ConditionTask,
    ConditionTaskOp,
    ForEachTask,
    JobEnvironment,
    JobParameterDefinition,
    Run,
    RunIf,
    SparkPythonTask,
    SubmitTask,
    Task,
    TaskDependency,
)
from databricks.sdk.service.workspace import ImportFormat
from databricks_local.process import LocalWorkspace
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

FOLDER = "/Users/local@databricks.local/page"
PATIENCE_MS = 300_000
EVIL = "<img src=x onerror=window.broken=1>"
ENVIRONMENTS = [JobEnvironment(environment_key="default", spec=Environment(environment_version="4"))]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, or else an installed Chrome.

    While it is open its event loop runs in this thread, where other modules' tests run loops of their own.
    """
    chromium = shutil.which("chromium")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        kind = playwright.chromium
        if chromium:
            yield kind.launch(executable_path=chromium, timeout=PATIENCE_MS)
        else:
            yield kind.launch(channel="chrome", timeout=PATIENCE_MS)
    expect.set_options(timeout=None)


@pytest.fixture(scope="module")
def client(databricks_local: LocalWorkspace) -> WorkspaceClient:
    return databricks_local.client()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


def login_link(workspace: LocalWorkspace) -> str:
    return str(workspace.call("POST", "/api/databricks-local/logins")["url"])


@pytest.fixture
def page(databricks_local: LocalWorkspace, context: BrowserContext) -> Iterator[Page]:
    """A page that has logged in; it must find no fault with itself and ask nobody but the workspace."""
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: message.type == "error" and faults.append(message.text))
    page.on("request", lambda asked: asked.url.startswith(databricks_local.host) or faults.append(asked.url))
    page.goto(login_link(databricks_local))
    yield page
    # A button that is refused is told by the browser too.
    assert [fault for fault in faults if "status of 400" not in fault] == []


def write(client: WorkspaceClient, name: str, code: str) -> SparkPythonTask:
    path = f"{FOLDER}/{name}.py"
    client.workspace.mkdirs(FOLDER)
    client.workspace.upload(path, code.encode(), format=ImportFormat.RAW, overwrite=True)
    return SparkPythonTask(python_file=f"/Workspace{path}")


def python_task(key: str, python: SparkPythonTask, **fields: object) -> SubmitTask:
    return SubmitTask(task_key=key, spark_python_task=python, environment_key="default", **fields)  # type: ignore[arg-type]


def condition(left: str, right: str) -> ConditionTask:
    return ConditionTask(left=left, op=ConditionTaskOp.EQUAL_TO, right=right)


def run_page(run: Run) -> str:
    assert run.run_page_url
    return run.run_page_url


# Who is let in


@pytest.mark.parametrize("path", ["/", "/runs/1", "/jobs/1", "/runs/1/stdout", "/runs/1/stdout?piece=1"])
def test_nothing_is_shown_to_who_has_not_logged_in(databricks_local: LocalWorkspace, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(databricks_local.host + path, timeout=60)
    assert caught.value.code == 401
    assert "Token of this workspace" in caught.value.read().decode()


def test_a_login_link_works_once(databricks_local: LocalWorkspace, context: BrowserContext) -> None:
    link = login_link(databricks_local)
    page = context.new_page()
    # A look at the link, as some programs take, does not use it up.
    assert page.request.head(link).ok
    page.goto(link)
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()
    (cookie,) = context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert databricks_local.token not in str(cookie)
    context.clear_cookies()
    answer = page.goto(link)
    assert answer
    assert answer.status == 403
    expect(page.get_by_role("alert")).to_have_text(re.compile("used before"))
    assert context.cookies() == []


def test_serve_prints_a_login_link(databricks_local: LocalWorkspace, context: BrowserContext) -> None:
    root = databricks_local.root.with_name("printed")
    command = [sys.executable, "-m", "databricks_local", "serve", "--port", "0", "--root", str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        printed = [server.stdout.readline() for _ in range(2)]
        link = re.search(r"http://\S+/login\?code=\S+", printed[1])
        assert link
        page = context.new_page()
        page.goto(link.group())
        expect(page.get_by_role("heading", name="Runs")).to_be_visible()
        assert (root / "token").read_text().strip() not in "".join(printed)
        server.terminate()


def test_the_token_lets_in_and_a_wrong_one_does_not(
    databricks_local: LocalWorkspace, client: WorkspaceClient, context: BrowserContext
) -> None:
    run = client.jobs.submit(
        run_name="by token", tasks=[SubmitTask(task_key="a", condition_task=condition("1", "1"))]
    ).result()
    page = context.new_page()
    # The address that the service gives a run, which names it behind a '#'.
    page.goto(run_page(run))
    token = page.get_by_label("Token of this workspace")
    token.fill("dapi-wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("not the token")
    token.fill(databricks_local.token)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="by token")).to_be_visible()
    assert page.url == f"{databricks_local.host}/runs/{run.run_id}"


def test_a_link_on_another_site_leads_to_the_page_of_a_browser_that_has_logged_in(
    page: Page, databricks_local: LocalWorkspace, client: WorkspaceClient, context: BrowserContext
) -> None:
    run = client.jobs.submit(
        run_name="linked", tasks=[SubmitTask(task_key="a", condition_task=condition("1", "1"))]
    ).result()
    other = context.new_page()
    other.route(
        "http://airflow.test/",
        lambda route: route.fulfill(
            body=f"<a href='{run_page(run)}'>real</a> <a href='/runs/{run.run_id}'>plain</a>".replace(
                "href='/", f"href='{databricks_local.host}/"
            ),
            content_type="text/html",
        ),
    )
    for link in ("real", "plain"):
        other.goto("http://airflow.test/")
        other.get_by_text(link).click()
        expect(other.get_by_role("heading", name="linked")).to_be_visible()


def test_a_form_of_another_page_changes_nothing(
    page: Page, databricks_local: LocalWorkspace, client: WorkspaceClient
) -> None:
    held = write(client, "held", "import time\ntime.sleep(1800)\n")
    run_id = client.jobs.submit(
        run_name="held", tasks=[python_task("hold", held)], environments=ENVIRONMENTS
    ).run_id
    url = f"{databricks_local.host}/runs/{run_id}/cancel"
    for form in ({}, {"form_token": "0" * 64}):
        assert page.request.post(url, form=form).status == 403
    assert client.jobs.get_run(run_id).state.result_state is None  # type: ignore[union-attr]
    client.jobs.cancel_run_and_wait(run_id)


def test_a_page_can_neither_be_framed_nor_load_anything_from_elsewhere(
    page: Page, databricks_local: LocalWorkspace
) -> None:
    for path in ("/", "/runs/0", "/login", "/assets/page.js"):
        headers = page.request.get(databricks_local.host + path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


# What is shown


@pytest.fixture(scope="module")
def medallion(client: WorkspaceClient) -> int:
    """A job with each thing that a page shows; its run fails in one task."""
    ok = write(client, "ok", "import sys\nprint('fine', sys.argv[1:])\n")
    bad = write(client, "bad", f"print({EVIL!r})\nraise ValueError({EVIL!r})\n")

    def task(key: str, *after: str, **fields: object) -> Task:
        needs = [TaskDependency(*name.split("=")) for name in after]
        return Task(task_key=key, depends_on=needs or None, **fields)  # type: ignore[arg-type]

    def python(of: SparkPythonTask) -> dict[str, object]:
        return {"spark_python_task": of, "environment_key": "default"}

    each = Task(
        task_key="country",
        environment_key="default",
        spark_python_task=SparkPythonTask(python_file=ok.python_file, parameters=["{{input}}"]),
    )
    job = client.jobs.create(
        name=f"medallion {EVIL}",
        parameters=[JobParameterDefinition(name="day", default=f"2026-11-20 {EVIL}")],
        environments=ENVIRONMENTS,
        tasks=[
            task("bronze", **python(ok)),
            task("is_full", "bronze", condition_task=condition("1", "1")),
            task("history", "is_full=true", **python(ok)),
            task("never", "is_full=false", **python(ok)),
            task("silver", "bronze", **python(bad), max_retries=1),
            task("countries", "bronze", for_each_task=ForEachTask(inputs='["de", "<b>"]', task=each)),
            task("gold", "silver", "countries", **python(ok)),
            task("after_all", "gold", "bronze", condition_task=condition("1", "2"), run_if=RunIf.ALL_DONE),
        ],
    )
    assert job.job_id
    run_id = client.jobs.run_now(job.job_id).run_id
    deadline = time.monotonic() + 1200
    while client.jobs.get_run(run_id).state.result_state is None:  # type: ignore[union-attr]
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return int(run_id)


def test_the_graph_shows_each_task_and_its_state(
    page: Page, databricks_local: LocalWorkspace, medallion: int
) -> None:
    page.goto(f"{databricks_local.host}/runs/{medallion}")
    graph = page.get_by_role("region", name="Graph of the tasks")
    for name in (
        "bronze, Python file: Succeeded",
        "is_full, Condition: Succeeded; depends on bronze",
        "never, Python file: Excluded; depends on is_full (false)",
        "silver, Python file: Failed; depends on bronze",
        "countries, For each: Succeeded; depends on bronze",
        "gold, Python file: Upstream failed; depends on countries, silver",
        "after_all, Condition: Succeeded; depends on bronze, gold",
    ):
        expect(graph.get_by_role("link", name=name, exact=True)).to_be_visible()
    assert graph.locator(".edge").count() == 9
    expect(graph.get_by_text("✓ Succeeded 2/2")).to_be_visible()
    expect(graph.locator("text.outcome")).to_have_text(["true", "false"])
    tones = {
        name: graph.get_by_role("link", name=re.compile(f"^{name},"))
        .locator(".side")
        .evaluate("e => getComputedStyle(e).fill")
        for name in ("bronze", "silver", "gold")
    }
    assert len(set(tones.values())) == 3


def test_a_task_in_the_graph_leads_to_its_error_by_keyboard(
    page: Page, databricks_local: LocalWorkspace, medallion: int
) -> None:
    page.goto(f"{databricks_local.host}/runs/{medallion}")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    bronze = page.get_by_role("link", name=re.compile("^bronze, "))
    for _ in range(20):
        page.keyboard.press("Tab")
        if bronze.evaluate("e => e === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(page.locator("#task-bronze")).to_have_attribute("open", "")
    silver = page.locator("#task-silver")
    expect(silver.get_by_text(f"ValueError: {EVIL}").first).to_be_visible()
    expect(silver.get_by_label("Trace of silver").first).to_contain_text(f"raise ValueError({EVIL!r})")
    expect(silver.get_by_text("Attempt 2")).to_be_visible()


def test_the_timeline_has_a_bar_for_each_attempt_and_iteration(
    page: Page, databricks_local: LocalWorkspace, client: WorkspaceClient, medallion: int
) -> None:
    page.goto(f"{databricks_local.host}/runs/{medallion}")
    rows = page.locator(".bars li")
    expect(rows.filter(has_text="silver")).to_have_count(2)
    expect(rows.filter(has_text=re.compile(r"country \[[01]\]"))).to_have_count(2)
    ran = rows.filter(has_text="history")
    assert re.search(r"execution \d+(\.\d)? (s|min)\b", ran.inner_text())
    run = client.jobs.get_run(medallion)
    (task,) = [each for each in run.tasks or [] if each.task_key == "history"]
    assert task.execution_duration
    assert run.run_duration
    whole, box = ran.locator("svg").bounding_box(), ran.locator("rect.execution").bounding_box()
    assert whole
    assert box
    assert whole["width"] > 500
    share = task.execution_duration / run.run_duration
    assert box["width"] == pytest.approx(share * whole["width"], abs=2)


def test_what_users_wrote_is_shown_and_never_run(
    page: Page, databricks_local: LocalWorkspace, medallion: int
) -> None:
    page.goto(f"{databricks_local.host}/runs/{medallion}")
    expect(page.get_by_role("heading", name=f"medallion {EVIL}")).to_be_visible()
    expect(page.get_by_role("definition").filter(has_text=f"2026-11-20 {EVIL}")).to_be_visible()
    expect(page.get_by_role("log")).to_contain_text(EVIL)
    page.get_by_role("link", name=re.compile(r"^Job \d")).click()
    expect(page.get_by_role("heading", name=f"medallion {EVIL}")).to_be_visible()
    page.get_by_text("Settings").click()
    expect(page.get_by_label("Settings")).to_contain_text("for_each_task")
    page.goto(databricks_local.host)
    expect(page.get_by_role("row", name=f"medallion {EVIL}").first).to_be_visible()
    assert page.evaluate("window.broken") is None


def test_runs_and_jobs_are_listed_newest_first_by_pages(
    page: Page, databricks_local: LocalWorkspace, client: WorkspaceClient
) -> None:
    job_id = client.jobs.create(
        name="often", tasks=[Task(task_key="a", condition_task=condition("1", "1"))]
    ).job_id
    assert job_id
    runs = [client.jobs.run_now(job_id).run_id for _ in range(26)]
    page.goto(f"{databricks_local.host}/jobs/{job_id}")
    shown = page.get_by_role("table", name="Runs").get_by_role("rowheader").locator(".muted")
    expect(shown).to_have_text([str(run_id) for run_id in runs[:0:-1]])
    page.get_by_role("link", name="Older runs").click()
    expect(shown).to_have_text([str(runs[0])])
    page.goto(databricks_local.host)
    line = page.get_by_role("table", name="Jobs").get_by_role("row", name="often")
    expect(line.get_by_role("link", name=f"Run {runs[-1]}: Succeeded")).to_be_visible()


def test_the_page_of_a_task_run_is_that_of_its_run(
    page: Page, databricks_local: LocalWorkspace, client: WorkspaceClient, medallion: int
) -> None:
    (task,) = [each for each in client.jobs.get_run(medallion).tasks or [] if each.task_key == "history"]
    assert task.run_page_url
    page.goto(task.run_page_url)
    expect(page).to_have_url(f"{databricks_local.host}/runs/{medallion}#task-history")
    expect(page.locator("#task-history")).to_have_attribute("open", "")


@pytest.mark.parametrize("path", ["/runs/999999999", "/jobs/999999999", "/runs/999999999/stdout"])
def test_what_is_not_there_is_said(page: Page, databricks_local: LocalWorkspace, path: str) -> None:
    answer = page.request.get(databricks_local.host + path)
    assert answer.status == 404
    assert "There is no" in answer.text()


CONTRASTS = """() => {
  const channels = (colour) => (colour.match(/[\\d.]+/g) || []).map(Number);
  const light = (colour) => {
    const linear = (part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = channels(colour).map((part) => linear(part / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  for (const element of document.querySelectorAll("main *, header *")) {
    const own = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
    const seen = element.checkVisibility() && !element.closest(".unseen");
    if (!seen || !own.some((node) => node.nodeValue.trim())) continue;
    let ground = element;
    const behindOf = (at) => getComputedStyle(at).backgroundColor;
    while (ground && channels(behindOf(ground))[3] === 0) ground = ground.parentElement;
    const style = getComputedStyle(element);
    const text = light(element instanceof SVGElement ? style.fill : style.color);
    const behind = light(behindOf(ground || document.body));
    const contrast = (Math.max(text, behind) + 0.05) / (Math.min(text, behind) + 0.05);
    if (contrast < 4.5) found.push(`${element.textContent.trim()}: ${contrast.toFixed(2)}`);
  }
  return found;
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_pages_are_readable_in_light_and_dark_on_a_phone_and_a_screen(
    page: Page, databricks_local: LocalWorkspace, medallion: int, theme: str, width: int, tmp_path: Path
) -> None:
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 800})
    grounds = set()
    for path in ("/", f"/runs/{medallion}"):
        page.goto(databricks_local.host + path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate(CONTRASTS) == []
        grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        page.screenshot(path=tmp_path / "page.png", full_page=True)
    (ground,) = grounds
    assert (sum(map(int, re.findall(r"\d+", ground))) < 3 * 128) == (theme == "dark")


# What changes


@pytest.fixture
def gate(databricks_local: LocalWorkspace) -> Callable[[], None]:
    """Opens a gate that a task waits for."""
    file = databricks_local.root / "gate"
    file.unlink(missing_ok=True)
    return file.touch


def test_a_run_is_followed_live(
    page: Page, databricks_local: LocalWorkspace, client: WorkspaceClient, gate: Callable[[], None]
) -> None:
    code = (
        "import pathlib, sys, time\n"
        "print('before the gate', flush=True)\n"
        f"while not pathlib.Path({str(databricks_local.root / 'gate')!r}).exists():\n"
        "    time.sleep(0.05)\n"
        "print('behind the gate', flush=True)\n"
        "print('a warning', file=sys.stderr)\n"
    )
    run = client.jobs.submit(
        run_name="live", tasks=[python_task("wait", write(client, "wait", code))], environments=ENVIRONMENTS
    )
    page.goto(f"{databricks_local.host}/runs/{run.run_id}")
    log = page.get_by_role("log")
    expect(log).to_contain_text("before the gate")
    expect(log).not_to_contain_text("behind the gate")
    badge = page.locator(".head .state")
    expect(badge).to_have_text(re.compile("Running"))
    page.evaluate("window.stayed = true")
    page.get_by_role("button", name="Cancel run").focus()
    gate()
    expect(log).to_contain_text("behind the gate")
    expect(badge).to_have_text(re.compile("Succeeded"))
    expect(page.get_by_role("status")).to_have_text("live: Succeeded")
    expect(page.get_by_role("button", name="Cancel run")).to_have_count(0)
    page.get_by_role("button", name="stderr").click()
    expect(log).to_contain_text("a warning")
    expect(log).not_to_contain_text("the gate")
    assert page.evaluate("window.stayed")
    page.get_by_role("link", name="Whole stderr").click()
    expect(page.locator("body")).to_have_text("a warning")


def test_a_run_is_canceled_and_repaired_from_its_page(
    page: Page, databricks_local: LocalWorkspace, client: WorkspaceClient, gate: Callable[[], None]
) -> None:
    code = (
        "import pathlib, time\n"
        f"if not pathlib.Path({str(databricks_local.root / 'gate')!r}).exists():\n"
        "    time.sleep(1800)\n"
    )
    run_id = client.jobs.submit(
        run_name="by hand",
        tasks=[python_task("slow", write(client, "slow", code))],
        environments=ENVIRONMENTS,
    ).run_id
    page.goto(f"{databricks_local.host}/runs/{run_id}")
    page.get_by_role("button", name="Cancel run").click()
    badge = page.locator(".head .state")
    expect(badge).to_have_text(re.compile("Canceled"))
    assert client.jobs.get_run(run_id).state.result_state.value == "CANCELED"  # type: ignore[union-attr]

    # Somebody else was faster: the page, which does not know of it yet, shows the button, and says why it
    # cannot be.
    page.evaluate("document.querySelectorAll('[data-live]').forEach((part) => delete part.dataset.live)")
    client.jobs.repair_run(run_id, rerun_all_failed_tasks=True)
    page.get_by_role("button", name="Repair run").click()
    expect(page.get_by_role("alert").last).to_contain_text("in progress")
    page.get_by_role("button", name="Cancel run").click()
    expect(badge).to_have_text(re.compile("Canceled"))

    gate()
    page.get_by_role("button", name="Repair run").click()
    expect(badge).to_have_text(re.compile("Succeeded"))
    expect(page.get_by_text("Repair 2")).to_be_visible()
    history = client.jobs.get_run(run_id, include_history=True).repair_history or []
    assert [each.type.value for each in history if each.type] == ["ORIGINAL", "REPAIR", "REPAIR"]


def test_of_a_large_log_the_page_holds_the_end(
    page: Page, databricks_local: LocalWorkspace, client: WorkspaceClient
) -> None:
    code = "for number in range(120_000):\n    print('line', number)\n"
    run = client.jobs.submit(
        run_name="large", tasks=[python_task("loud", write(client, "loud", code))], environments=ENVIRONMENTS
    )
    page.goto(f"{databricks_local.host}/runs/{run.run_id}")
    log = page.get_by_role("log")
    expect(log).to_contain_text("line 119999")
    # The end of a line may come after its text.
    expect(page.locator(".head .state")).to_have_text(re.compile("Succeeded"))
    assert page.evaluate("document.getElementById('log').textContent.length") < 700_000
    expect(page.get_by_text("Earlier output is left out here.")).to_be_visible()
    (task,) = client.jobs.get_run(run.run_id).tasks or []
    whole = page.request.get(f"{databricks_local.host}/runs/{task.run_id}/stdout")
    assert whole.headers["content-type"] == "text/plain; charset=utf-8"
    assert whole.text().startswith("line 0\n")
    assert whole.text().endswith("line 119999\n")


def test_the_login_outlives_a_restart_and_the_page_says_when_the_server_is_gone(
    context: BrowserContext, databricks_local_factory: Callable[..., LocalWorkspace]
) -> None:
    workspace = databricks_local_factory()
    page = context.new_page()
    page.goto(login_link(workspace))
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()
    workspace.kill()
    lost = page.get_by_role("alert")
    expect(lost).to_contain_text("The server does not answer")
    workspace.start()
    expect(lost).to_be_hidden()
    page.reload()
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()
