"""The pages' routes: who is let in, what is answered, and the buttons."""

import functools
import json
import re
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from databricks_local.api import Call, Endpoint, Handler
from databricks_local.errors import ApiError
from databricks_local.fields import fields
from databricks_local.jobs import runs_api
from databricks_local.jobs.model import Run
from databricks_local.jobs.records import Position
from databricks_local.page import graph, logs, words
from databricks_local.page.login import Session, set_cookie
from databricks_local.page.views import PER_PAGE, job_lines, run_page, run_view
from databricks_local.workspace import Workspace

_FOLDER = Path(__file__).parent
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_ASSETS = {"page.css": "text/css", "page.js": "text/javascript", "icon.svg": "image/svg+xml"}
_TEXT = "text/plain; charset=utf-8"

_Page = Callable[[Request], Awaitable[Response]]


def routes(workspace: Workspace) -> list[BaseRoute]:
    """Return the routes for people.

    Args:
        workspace: What they show.
    """
    pages = _Pages(workspace)
    return [
        Route("/", pages.let_in(pages.home)),
        Route("/jobs/{job_id:int}", pages.let_in(pages.job)),
        Route("/runs/{run_id:int}", pages.let_in(pages.run)),
        Route("/runs/{run_id:int}/cancel", pages.let_in(pages.cancel), methods=["POST"]),
        Route("/runs/{run_id:int}/repair", pages.let_in(pages.repair), methods=["POST"]),
        *(
            Route(f"/runs/{{run_id:int}}/{stream}", pages.let_in(functools.partial(pages.log, stream)))
            for stream in logs.STREAMS
        ),
        Route("/login", pages.login_by_code),
        Route("/login", pages.login_by_token, methods=["POST"]),
        *(Route(f"/assets/{name}", _asset(name, kind)) for name, kind in _ASSETS.items()),
        # Browsers ask for it beside a log, which has no place to name another.
        Route("/favicon.ico", _asset("icon.svg", _ASSETS["icon.svg"])),
    ]


async def new_login(call: Call) -> object:
    """Return a link that lets one browser in, once."""
    return {"url": f"{call.workspace.host}/login?code={call.workspace.logins.new_code()}"}


ENDPOINTS = (Endpoint("POST", "/api/databricks-local/logins", new_login, fields({})),)


class _Pages:
    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_FOLDER / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
        )
        self._templates.globals |= {
            "words": words,
            "box_width": graph.BOX_WIDTH,
            "box_height": graph.BOX_HEIGHT,
        }
        self._templates.filters |= {
            "shortened": lambda text, most: text if len(text) <= most else f"{text[: most - 1]}…",
            "last": lambda text, most: text if len(text) <= most else f"…{text[-most:]}",
            "shown": lambda value: value if isinstance(value, str) else json.dumps(value, indent=2),
        }

    def let_in(self, page: _Page) -> _Page:
        """Return a page that only who has logged in may see, and whose forms no other site can send."""

        async def checked(request: Request) -> Response:
            session = self._workspace.logins.session(request)
            if session is None:
                # A browser that another site led here keeps a strict cookie back: our own page asks again.
                again = request.headers.get("sec-fetch-site") == "cross-site"
                return self._login(401, to=request.url.path, again=again)
            if request.method == "POST":
                form = await request.form()
                if form.get("form_token") != session.form_token:
                    return self._render("missing.html", 403, message="This form is not of this page.")
            request.state.session = session
            return await page(request)

        return checked

    async def home(self, request: Request) -> Response:
        records = self._workspace.jobs
        below = request.query_params.get("jobs_below", "")
        jobs = records.jobs(below=int(below) if _is_number(below) else None, limit=PER_PAGE + 1)
        runs, older = run_page(records, None, _position(request))
        return self._render(
            "home.html",
            runs=runs,
            older=older,
            jobs=job_lines(records, jobs[:PER_PAGE]),
            more_jobs=len(jobs) > PER_PAGE,
            now_ms=self._workspace.clock.now_ms(),
        )

    async def job(self, request: Request) -> Response:
        job_id = int(request.path_params["job_id"])
        job = self._workspace.jobs.job(job_id)
        runs, older = run_page(self._workspace.jobs, job_id, _position(request))
        if job is None and not runs:
            return self._render("missing.html", 404, message=f"There is no job {job_id}.")
        return self._render(
            "job.html",
            job_id=job_id,
            job=job,
            name=(job.settings.get("name") if job else runs[0].name) or "Untitled",
            settings=json.dumps(job.settings, indent=2, ensure_ascii=False) if job else "",
            runs=runs,
            older=older,
            now_ms=self._workspace.clock.now_ms(),
        )

    async def run(self, request: Request) -> Response:
        run_id = int(request.path_params["run_id"])
        run = self._workspace.jobs.run(run_id)
        if run is not None:
            return self._run(request, run)
        if task := self._workspace.jobs.task(run_id):
            return _see(f"/runs/{task.job_run_id}#task-{task.key}")
        return self._render("missing.html", 404, message=f"There is no run {run_id}.")

    async def cancel(self, request: Request) -> Response:
        return await self._act(request, runs_api.cancel, {})

    async def repair(self, request: Request) -> Response:
        values: dict[str, Any] = {"rerun_all_failed_tasks": True}
        run = self._workspace.jobs.run(int(request.path_params["run_id"]))
        if run and run.history[-1].repair_id:
            values["latest_repair_id"] = run.history[-1].repair_id
        return await self._act(request, runs_api.repair, values)

    async def log(self, stream: str, request: Request) -> Response:
        run_id = int(request.path_params["run_id"])
        task = self._workspace.jobs.task(run_id)
        if task is None:
            return self._render("missing.html", 404, message=f"There is no task run {run_id}.")
        file = self._workspace.root / "runs" / str(run_id) / stream
        if "piece" not in request.query_params:
            return StreamingResponse(_whole(file), media_type=_TEXT, headers=_HEADERS)
        start = request.query_params.get("start", "")
        piece = logs.read_piece(file, int(start) if _is_number(start) else None)
        return JSONResponse({**vars(piece), "ended": task.state.ended}, headers=_HEADERS)

    async def login_by_code(self, request: Request) -> Response:
        code = request.query_params.get("code")
        if request.method == "HEAD" or code is None:
            return self._login(200)
        session = self._workspace.logins.by_code(code)
        if session is None:
            return self._login(403, alert="This link was used before, or is of an earlier start.")
        return _enter(request, session, "/")

    async def login_by_token(self, request: Request) -> Response:
        form = await request.form()
        to = str(form.get("to", "/"))
        session = self._workspace.logins.by_token(str(form.get("token", "")).strip())
        if session is None:
            return self._login(403, to=to, alert="This is not the token of this workspace.")
        return _enter(request, session, to)

    async def _act(self, request: Request, handler: Handler, values: dict[str, Any]) -> Response:
        run_id = int(request.path_params["run_id"])
        try:
            await handler(Call(self._workspace, request, {}, {"run_id": run_id, **values}))
        except ApiError as error:
            run = self._workspace.jobs.run(run_id)
            if run is None:
                return self._render("missing.html", error.status, message=error.message)
            return self._run(request, run, error)
        return _see(f"/runs/{run_id}")

    def _run(self, request: Request, run: Run, error: ApiError | None = None) -> Response:
        view = run_view(self._workspace, run)
        return self._render(
            "run.html",
            error.status if error else 200,
            view=view,
            first_log=view.logs[0].run_id if view.logs else None,
            form_token=request.state.session.form_token,
            alert=error.message if error else None,
        )

    def _login(
        self, status: int, *, to: str = "/", again: bool = False, alert: str | None = None
    ) -> Response:
        return self._render("login.html", status, to=_inside(to), again=again, alert=alert)

    def _render(self, template: str, status: int = 200, **values: Any) -> Response:
        text = self._templates.get_template(template).render({"alert": None, **values})
        return HTMLResponse(text, status, headers=_HEADERS)


def _asset(name: str, kind: str) -> _Page:
    content = (_FOLDER / "assets" / name).read_bytes()

    async def asset(_: Request) -> Response:
        return Response(content, media_type=kind, headers=_HEADERS)

    return asset


def _enter(request: Request, session: Session, to: str) -> Response:
    response = _see(_inside(to))
    set_cookie(request, response, session)
    return response


def _see(path: str) -> Response:
    return RedirectResponse(path, 303, headers=_HEADERS)


def _inside(path: str) -> str:
    return path if re.fullmatch(r"/(?:(?:runs|jobs)/[0-9]{1,18})?", path) else "/"


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[0-9]{1,18}", text) is not None


def _position(request: Request) -> Position | None:
    start, _, run_id = request.query_params.get("before", "").partition("-")
    return (int(start), int(run_id)) if _is_number(start) and _is_number(run_id) else None


def _whole(file: Path) -> Iterator[bytes]:
    try:
        stream = file.open("rb")
    except FileNotFoundError:
        return
    with stream:
        yield from iter(functools.partial(stream.read, logs.PIECE), b"")
