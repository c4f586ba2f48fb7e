"""Deploying: the real command through the real SDK against a workspace on the loopback interface."""

import json
from pathlib import Path

import pytest
from databricks.bundles.jobs import Job
from databricks.bundles.pipelines import Pipeline as BundlePipeline
from loopback import USER, FakeWorkspace, Fault, serving
from skyspark.cli import main
from skyspark.pipeline.deploy import polling
from skyspark.pipeline.deploy.release import make_release
from skyspark.pipeline.plan import Selection, make_plan
from skyspark.pipeline.read import load_pipeline

TABLES = """\
name: sales
tables:
  - name: orders
    mode: streaming
    source: {format: json, path: /Volumes/main/landing/orders, schema: "id STRING, amount INT"}
  - name: revenue
    depends_on: orders
    transformation: {type: aggregate, aggregations: {total: sum(amount)}}
"""
FOLDER = f"/Workspace/Users/{USER}/.skyspark/sales/dev"
PLACED = ("--env", "dev", "--catalog", "main", "--schema", "shop")


@pytest.fixture
def world(monkeypatch, tmp_path):
    for name in ("DATABRICKS_CONFIG_PROFILE", "DATABRICKS_CLIENT_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(polling, "FIRST_PAUSE", 0.001)
    found = FakeWorkspace()
    with serving(found) as host:
        monkeypatch.setenv("DATABRICKS_HOST", host)
        monkeypatch.setenv("DATABRICKS_TOKEN", "dapi-secret")
        yield found


@pytest.fixture
def config(tmp_path):
    file = tmp_path / "config.yml"
    file.write_text(TABLES, encoding="utf-8")
    return file


@pytest.fixture
def deploy(config, capsys):
    """Run ``skyspark deploy``; returns its exit code and what it printed as JSON."""

    def run(*more, code=0, yes="--yes"):
        capsys.readouterr()
        found = 0
        try:
            main(["deploy", str(config), *PLACED, "--json", *([yes] if yes else []), *more])
        except SystemExit as end:
            found = end.code
        said = capsys.readouterr()
        run.said = said.err
        assert found == code, said.err
        assert "dapi-secret" not in said.out + said.err
        return json.loads(said.out) if said.out else None

    return run


def actions(done):
    return {change["what"].split()[0]: change["action"] for change in done["changes"]}


def test_a_first_deploy_uploads_and_creates(world, deploy):
    done = deploy("--serverless", "--schedule", "0 2 * * MON-FRI", "--timezone", "Europe/Berlin")
    assert actions(done) == {"files": "upload", "pipeline": "create", "job": "create"}
    (spec,), (job,) = world.pipelines.values(), world.jobs.values()
    release = spec["root_path"]
    assert release.startswith(f"{FOLDER}/releases/")
    assert sorted(p for p, c in world.files.items() if c is not None) == [
        f"{release}/pipeline/orders.sql",
        f"{release}/pipeline/revenue.sql",
        f"{FOLDER}/state.json",
    ]
    assert b"FROM `main`.`shop`.`orders`" in world.files[f"{release}/pipeline/revenue.sql"]
    assert (spec["name"], spec["catalog"], spec["schema"], spec["serverless"]) == (
        "sales (dev)",
        "main",
        "shop",
        True,
    )
    assert job["schedule"] == {
        "quartz_cron_expression": "0 0 2 ? * MON,TUE,WED,THU,FRI",
        "timezone_id": "Europe/Berlin",
        "pause_status": "UNPAUSED",
    }
    assert job["tasks"][0]["pipeline_task"]["pipeline_id"] == done["pipeline_id"] == "p-1"
    BundlePipeline.from_dict(spec)
    Job.from_dict(job)


def test_deploying_again_writes_nothing(world, deploy):
    deploy("--schedule", "0 0 2 * * ?")
    before = len(world.writes)
    done = deploy("--schedule", "0 0 2 * * ?")
    assert set(actions(done).values()) == {"keep"}
    assert len(world.writes) == before


def test_a_change_is_shown_uploaded_and_pointed_to_before_the_old_files_go(world, deploy, config):
    deploy()
    old = world.pipelines["p-1"]["root_path"]
    config.write_text(TABLES.replace("sum(amount)", "max(amount)"), encoding="utf-8")
    calls = len(world.calls)
    done = deploy()
    shown = [(change["action"], change["what"].split()[0]) for change in done["changes"]]
    assert shown == [("upload", "files"), ("update", "pipeline"), ("delete", "files")]
    new = world.pipelines["p-1"]["root_path"]
    assert new != old
    assert any(detail.startswith("root_path: ") for change in done["changes"] for detail in change["details"])
    assert not [path for path in world.files if path.startswith(old)]
    order = [path.rpartition("/")[2] for method, path in world.calls[calls:] if method != "GET"]
    assert order.index("import") < order.index("p-1") < order.index("delete")
    # What the workspace alone knows is not lost.
    assert world.pipelines["p-1"]["edition"] == "ADVANCED"


def test_a_renamed_pipeline_is_followed_by_its_id(world, deploy):
    deploy()
    world.pipelines["p-1"]["name"] = "somebody renamed it"
    done = deploy()
    assert actions(done)["pipeline"] == "update"
    assert world.names() == {"sales (dev)": 1}


def test_another_machine_or_a_lost_state_finds_it_by_name(world, deploy):
    deploy()
    del world.files[f"{FOLDER}/state.json"]
    deploy()
    assert world.names() == {"sales (dev)": 1}


def test_a_name_that_two_pipelines_have_is_refused(world, deploy):
    world.pipelines |= {
        f"p-{i}": {"name": name} for i, name in enumerate(("sales (dev)", "salesX(dev)", "sales (dev)"))
    }
    deploy(code=1)
    assert "2 pipelines with the name 'sales (dev)' (p-0, p-2)" in deploy.said
    assert not world.writes


def test_a_dry_run_writes_nothing(world, deploy):
    done = deploy("--dry-run", "--schedule", "0 2 * * *", yes=None)
    assert actions(done) == {"files": "upload", "pipeline": "create", "job": "create"}
    assert not world.writes


def test_nobody_to_ask_is_an_error_before_anything_is_written(world, deploy):
    deploy(code=2, yes=None)
    assert "give --yes" in deploy.said
    assert not world.writes


@pytest.mark.parametrize(
    ("method", "path", "kind"), [("POST", "/pipelines", "pipelines"), ("POST", "/jobs/create", "jobs")]
)
@pytest.mark.parametrize(
    "fault", [{"status": 0, "after": True}, {"status": 500, "after": True}, {"status": 504, "after": False}]
)
def test_a_create_whose_answer_is_lost_makes_one_thing_only(world, deploy, method, path, kind, fault):
    world.faults.append(Fault(method, path, fault["status"], after=fault["after"]))
    deploy("--schedule", "0 2 * * *")
    assert not world.faults
    assert len(getattr(world, kind)) == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/scim/v2/Me"), ("POST", "/workspace/import"), ("POST", "/pipelines"), ("POST", "/jobs/create")],
)
def test_throttled_calls_are_made_again(world, deploy, method, path):
    world.faults.append(Fault(method, path, 429, Retry_After="0"))
    deploy("--schedule", "0 2 * * *")
    assert not world.faults
    assert (len(world.pipelines), len(world.jobs)) == (1, 1)


def test_a_failed_upload_leaves_the_old_pipeline_whole(world, deploy, config):
    deploy()
    old = world.pipelines["p-1"]["root_path"]
    config.write_text(TABLES.replace("sum(amount)", "max(amount)"), encoding="utf-8")
    world.faults.append(Fault("POST", "/workspace/import", 403))
    deploy(code=1)
    assert "this login may not do that" in deploy.said
    assert world.pipelines["p-1"]["root_path"] == old
    assert f"{old}/pipeline/revenue.sql" in world.files
    deploy()
    assert world.pipelines["p-1"]["root_path"] != old


@pytest.mark.parametrize(
    ("status", "sentence"),
    [(401, "the login is not valid"), (403, "this login may not do that"), (500, "the workspace refused")],
)
def test_a_workspace_that_refuses_is_a_sentence(world, deploy, status, sentence):
    world.faults.append(Fault("GET", "/scim/v2/Me", status))
    deploy(code=1)
    assert sentence in deploy.said
    assert "Traceback" not in deploy.said


def test_nothing_to_log_in_with_is_a_sentence(world, deploy, monkeypatch):
    monkeypatch.delenv("DATABRICKS_TOKEN")
    deploy(code=1)
    assert "there is nothing to log in with" in deploy.said


def test_a_run_is_followed_to_its_end_with_the_result_of_each_flow(world, deploy):
    world.events = [
        flow("orders", "RUNNING"),
        flow("orders", "COMPLETED", rows=3, broken=[{"name": "positive", "failed_records": 2}]),
        flow("revenue", "COMPLETED", rows=1),
    ]
    update = deploy("--run")["update"]
    assert update["state"] == "COMPLETED"
    assert [(f["name"], f["status"], f["rows"]) for f in update["flows"]] == [
        ("orders", "COMPLETED", 3),
        ("revenue", "COMPLETED", 1),
    ]
    assert "orders: completed, 3 rows, 2 rows break 'positive'" in deploy.said


def test_a_run_that_fails_says_why(world, deploy):
    world.states = ["RUNNING", "FAILED"]
    error = {"exceptions": [{"message": "Column x cannot be resolved.\n at …"}]}
    world.events = [flow("revenue", "FAILED", error=error)]
    update = deploy("--run", code=1)["update"]
    assert update["message"] == "Column x cannot be resolved."
    assert "error: the update failed: Column x cannot be resolved." in deploy.said


def test_a_continuous_pipeline_is_left_running(world, deploy):
    world.states = ["INITIALIZING", "RUNNING"]
    assert deploy("--run", "--continuous")["update"]["state"] == "RUNNING"
    assert world.pipelines["p-1"]["continuous"] is True


def flow(name, status, *, rows=None, broken=(), error=None):
    progress = {"status": status}
    if rows is not None:
        progress["metrics"] = {"num_output_rows": rows}
        progress["data_quality"] = {"expectations": list(broken)}
    return {
        "id": f"{name}-{status}",
        "event_type": "flow_progress",
        "level": "ERROR" if error else "INFO",
        "origin": {"flow_name": name, "update_id": "u-1"},
        "details": {"flow_progress": progress},
        "error": error,
    }


def test_python_goes_along_with_what_it_imports(world, deploy, config, monkeypatch):
    here = config.parent
    monkeypatch.syspath_prepend(here)
    for path, text in {
        "transformations/__init__.py": "",
        "transformations/silver/__init__.py": "",
        "transformations/silver/clean.py": "import json\nfrom pyspark.sql import DataFrame\n"
        "from words import short\nfrom . import other\ndef clean(orders): return orders\n",
        "transformations/silver/other.py": "",
        "transformations/silver/unused.py": "",
        "words.py": "short = 1\n",
    }.items():
        (here / path).parent.mkdir(parents=True, exist_ok=True)
        (here / path).write_text(text, encoding="utf-8")
    added = "  - {name: clean, layer: silver, depends_on: orders}\n"
    config.write_text(TABLES + added, encoding="utf-8")
    deploy("--serverless")
    (spec,) = world.pipelines.values()
    root = spec["root_path"]
    uploaded = {path.removeprefix(f"{root}/") for path in world.files if path.startswith(f"{root}/")}
    assert uploaded >= {"config.yml", "pipeline/register.py", "transformations/silver/clean.py", "words.py"}
    assert not any("unused" in path or "json" in path or "pyspark" in path for path in uploaded)
    assert spec["environment"]["dependencies"][0].startswith("skyspark==")
    assert spec["configuration"]["skyspark.env"] == "dev"
    again = here / "again" / "config.yml"
    again.parent.mkdir()
    again.write_bytes(world.files[f"{spec['root_path']}/config.yml"])
    placed = load_pipeline(config).model_copy(update={"catalog": "main", "schema_name": "shop"})
    assert load_pipeline(again) == placed


def test_a_release_has_another_name_when_a_byte_differs(config):
    def name():
        return make_release(make_plan(load_pipeline(config), Selection())).name

    first = name()
    assert name() == first
    config.write_text(TABLES.replace("sum", "max"), encoding="utf-8")
    assert name() != first


@pytest.fixture
def job(config, capsys):
    def run(action, *more, code=0):
        capsys.readouterr()
        found = 0
        try:
            main(["job", action, str(config), "--env", "dev", *more])
        except SystemExit as end:
            found = end.code
        run.said = capsys.readouterr()
        assert found == code, run.said.err

    return run


def test_the_job_of_a_pipeline_is_created_changed_run_and_deleted(world, deploy, job):
    job("create", "--yes", code=1)
    assert "deploy it first" in job.said.err
    deploy()
    job("create", "--yes", "--schedule", "0 0 2 * * ?")
    job("create", "--yes", "--schedule", "0 0 3 * * ?")
    assert [j["schedule"]["quartz_cron_expression"] for j in world.jobs.values()] == ["0 0 3 * * ?"]
    writes = len(world.writes)
    job("create", "--yes", "--schedule", "0 0 3 * * ?")
    assert len(world.writes) == writes
    job("run", "--json")
    assert json.loads(job.said.out)["run"]["state"] == "SUCCESS"
    world.results = "FAILED"
    job("run", code=1)
    assert "ended as failed: as told" in job.said.err
    job("delete", code=2)
    assert world.jobs
    job("delete", "--yes")
    assert not world.jobs
    assert world.pipelines
    job("delete", "--yes", code=1)
    assert "has no job" in job.said.err


EXAMPLES = Path(__file__).parents[4] / "examples"


@pytest.mark.parametrize(
    "file", ["customers_orders/config.yml", "user_analytics/config.yml", "user_analytics/steps.yml"]
)
def test_the_examples_deploy(world, capsys, file):
    place = ("--catalog", "main", "--schema", "shop", "--var", "DATA=/Volumes/main/shop/landing")
    main(["deploy", str(EXAMPLES / file), *place, "--yes"])
    (spec,) = world.pipelines.values()
    sources = [path for path in world.files if path.startswith(f"{spec['root_path']}/pipeline/")]
    assert sources
    BundlePipeline.from_dict(spec)
