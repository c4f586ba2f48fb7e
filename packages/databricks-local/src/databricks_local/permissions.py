"""Who may do what: lists of permissions are kept and shown, but nobody is kept out by them."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from databricks.sdk.service.iam import PermissionsAPI

from databricks_local.api import Call, Endpoint
from databricks_local.errors import invalid, missing, not_imitated
from databricks_local.fields import fields, fields_of
from databricks_local.identity import is_service_principal
from databricks_local.store import Store

if TYPE_CHECKING:
    from databricks_local.workspace import Workspace

SCHEMA = """
CREATE TABLE IF NOT EXISTS permissions (object TEXT PRIMARY KEY, entries TEXT NOT NULL) STRICT
"""

_OWNER = "IS_OWNER"
_MANAGE = "CAN_MANAGE"
_PRINCIPALS = ("user_name", "group_name", "service_principal_name")

Entry = Mapping[str, str]


@dataclass(frozen=True)
class _Object:
    """What permissions are on.

    Attributes:
        object_id: Its path in answers, such as ``/jobs/12``.
        owner: Who owns it while nothing was set; None for what has no owner.
        above: What it inherits from, nearest first, as paths like its own.
        home_of: Whose home folder it lies in, and that folder's path.
    """

    object_id: str
    owner: str | None
    above: Sequence[str] = ()
    home_of: tuple[str, str] | None = None


@dataclass(frozen=True)
class _Kind:
    """A type of objects.

    Attributes:
        noun: What answers call it.
        levels: What may be granted, with what it means.
        find: Returns the object with an id, or None.
    """

    noun: str
    levels: Mapping[str, str]
    find: "Callable[[Workspace, str], _Object | None]"


class Permissions:
    """Direct permissions of objects, each a principal with one level."""

    def __init__(self, store: Store) -> None:
        """Use a store.

        Args:
            store: Keeps them.
        """
        self._store = store

    def get(self, object_id: str) -> list[dict[str, str]] | None:
        """Return the direct permissions of an object, or None while none were set.

        Args:
            object_id: Its path, such as ``/jobs/12``.
        """
        select = "SELECT entries FROM permissions WHERE object = ?"
        row = self._store.db.execute(select, (object_id,)).fetchone()
        return json.loads(row["entries"]) if row else None

    def set(self, object_id: str, entries: Iterable[Entry]) -> None:
        """Replace the direct permissions of an object.

        Args:
            object_id: Its path, such as ``/jobs/12``.
            entries: A principal and a ``permission_level`` each.
        """
        self._store.db.execute(
            "INSERT INTO permissions VALUES (?, ?)"
            " ON CONFLICT (object) DO UPDATE SET entries = excluded.entries",
            (object_id, json.dumps([dict(entry) for entry in entries])),
        )


def check_entries(object_type: str, entries: Sequence[Entry]) -> None:
    """Refuse permissions that an object of some type cannot have.

    Args:
        object_type: As in routes: ``jobs``, ``pipelines``, ``directories``, ….
        entries: A principal and a ``permission_level`` each.

    Raises:
        ApiError: 400: a principal or level is missing or unknown, or there is not exactly one owner.
    """
    kind = _KINDS[object_type]
    for entry in entries:
        if len([name for name in _PRINCIPALS if entry.get(name)]) != 1:
            raise invalid("Each access control entry must name exactly one user, group or service principal.")
        level = entry.get("permission_level")
        if level not in kind.levels:
            raise invalid(f"Permission level {level} is not one of a {kind.noun}: {', '.join(kind.levels)}.")
        if level == _OWNER and "group_name" in entry:
            raise invalid(f"A group cannot be the owner of a {kind.noun}.")
    if _OWNER in kind.levels and len([e for e in entries if e["permission_level"] == _OWNER]) != 1:
        raise invalid(f"The {kind.noun} must have exactly one owner.")


async def get_permissions(call: Call) -> object:
    """Return the direct and inherited permissions of an object."""
    return _shown(call, _object(call))


async def set_permissions(call: Call) -> object:
    """Replace the direct permissions of an object."""
    found = _object(call)
    entries = list({_principal(e): e for e in call.values.get("access_control_list", [])}.values())
    check_entries(call.path["type"], entries)
    call.workspace.permissions.set(found.object_id, entries)
    return _shown(call, found)


async def update_permissions(call: Call) -> object:
    """Add direct permissions to those of an object, or change the levels of principals."""
    found = _object(call)
    given = call.values.get("access_control_list", [])
    entries = {_principal(e): e for e in [*_direct(call.workspace, found), *given]}
    check_entries(call.path["type"], list(entries.values()))
    call.workspace.permissions.set(found.object_id, entries.values())
    return _shown(call, found)


async def permission_levels(call: Call) -> object:
    """Return what may be granted on an object."""
    _object(call)
    levels = _KINDS[call.path["type"]].levels
    return {
        "permission_levels": [{"permission_level": k, "description": v} for k, v in levels.items()],
    }


def _object(call: Call) -> _Object:
    type_, id_ = call.path["type"], call.path["id"]
    kind = _KINDS.get(type_)
    if kind is None:
        raise not_imitated(f"{call.request.method} /api/2.0/permissions/{type_}")
    found = kind.find(call.workspace, id_)
    if found is None:
        raise missing(f"{kind.noun.capitalize()} {id_} does not exist.")
    return found


def _direct(workspace: "Workspace", found: _Object) -> Sequence[Entry]:
    entries = workspace.permissions.get(found.object_id)
    if entries is None:
        return [_entry_of(found.owner, _OWNER)] if found.owner else []
    return entries


def _shown(call: Call, found: _Object) -> dict[str, Any]:
    granted: dict[tuple[str, str], list[dict[str, Any]]] = {}
    sources = [(entry, None) for entry in _direct(call.workspace, found)]
    for entry, source in [*sources, *_inherited(call.workspace, found)]:
        level: dict[str, Any] = {"permission_level": entry["permission_level"], "inherited": bool(source)}
        if source:
            level["inherited_from_object"] = [source]
        granted.setdefault(_principal(entry), []).append(level)
    entries = []
    for (field, name), levels in granted.items():
        display = {} if field == "group_name" else {"display_name": name}
        entries.append({field: name, **display, "all_permissions": levels})
    return {
        "object_id": found.object_id,
        "object_type": _TYPES.get(call.path["type"], call.path["type"]),
        "access_control_list": entries,
    }


def _inherited(workspace: "Workspace", found: _Object) -> Iterable[tuple[Entry, str | None]]:
    for source in found.above:
        for entry in workspace.permissions.get(source) or []:
            yield entry, source
    if found.home_of:
        user, home = found.home_of
        yield _entry_of(user, _MANAGE), home
    root = found.object_id[: found.object_id.rindex("/") + 1]
    tree = root in ("/files/", "/notebooks/")
    yield {"group_name": "admins", "permission_level": _MANAGE}, "/directories/" if tree else root


def _principal(entry: Entry) -> tuple[str, str]:
    return next(((name, entry[name]) for name in _PRINCIPALS if entry.get(name)), ("", ""))


def _entry_of(name: str, level: str) -> dict[str, str]:
    field = "service_principal_name" if is_service_principal(name) else "user_name"
    return {field: name, "permission_level": level}


def _job(workspace: "Workspace", id_: str) -> _Object | None:
    job = workspace.jobs.job(int(id_)) if _is_number(id_) else None
    return _Object(f"/jobs/{job.job_id}", job.creator) if job else None


def _pipeline(workspace: "Workspace", id_: str) -> _Object | None:
    pipeline = workspace.pipelines.records.get(id_)
    return _Object(f"/pipelines/{id_}", pipeline.creator) if pipeline else None


def _pool(workspace: "Workspace", id_: str) -> _Object | None:
    return _Object(f"/instance-pools/{id_}", None) if workspace.pools.find(id_) else None


def _no_cluster(_workspace: "Workspace", _id: str) -> None:
    return None


def _in_tree(type_: str, kind: str) -> "Callable[[Workspace, str], _Object | None]":
    def find(workspace: "Workspace", id_: str) -> _Object | None:
        found = workspace.tree.by_id(int(id_)) if _is_number(id_) else None
        if found is None or found.kind != kind:
            return None
        above, home_of = [], None
        path = found.path
        names = path.strip("/").split("/")
        while path := path.rpartition("/")[0]:
            above.append(f"/directories/{workspace.tree.get(path).object_id}")
        if names[0] == "Users" and len(names) > 1:
            home = workspace.tree.get(f"/Users/{names[1]}")
            home_of = (names[1], f"/directories/{home.object_id}")
        return _Object(f"/{type_}/{id_}", None, above, home_of)

    return find


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


_TREE_LEVELS = {
    "CAN_READ": "Can view",
    "CAN_RUN": "Can run",
    "CAN_EDIT": "Can edit",
    _MANAGE: "Can manage, and change permissions",
}

# https://docs.databricks.com/security/auth/access-control: what each type of object can be granted.
_KINDS = {
    "jobs": _Kind(
        "job",
        {
            "CAN_VIEW": "Can view",
            "CAN_MANAGE_RUN": "Can manage runs",
            _OWNER: "Is owner",
            _MANAGE: "Can manage, and change permissions",
        },
        _job,
    ),
    "pipelines": _Kind(
        "pipeline",
        {
            "CAN_VIEW": "Can view",
            "CAN_RUN": "Can run updates",
            _OWNER: "Is owner",
            _MANAGE: "Can manage, and change permissions",
        },
        _pipeline,
    ),
    "clusters": _Kind(
        "cluster",
        {
            "CAN_ATTACH_TO": "Can attach to",
            "CAN_RESTART": "Can restart",
            _MANAGE: "Can manage, and change permissions",
        },
        _no_cluster,
    ),
    "instance-pools": _Kind(
        "instance pool",
        {"CAN_ATTACH_TO": "Can attach to", _MANAGE: "Can manage, and change permissions"},
        _pool,
    ),
    "directories": _Kind("directory", _TREE_LEVELS, _in_tree("directories", "DIRECTORY")),
    "files": _Kind("file", _TREE_LEVELS, _in_tree("files", "FILE")),
    "notebooks": _Kind("notebook", _TREE_LEVELS, _in_tree("notebooks", "NOTEBOOK")),
}
_TYPES = {
    "jobs": "job",
    "clusters": "cluster",
    "instance-pools": "instance-pool",
    "directories": "directory",
    "files": "file",
    "notebooks": "notebook",
}

_PATH = "/api/2.0/permissions/{type}/{id}"
_NAMED = ["request_object_type", "request_object_id"]

ENDPOINTS = (
    Endpoint("GET", _PATH, get_permissions, fields({})),
    Endpoint("PUT", _PATH, set_permissions, fields_of(PermissionsAPI.set, without=_NAMED)),
    Endpoint("PATCH", _PATH, update_permissions, fields_of(PermissionsAPI.update, without=_NAMED)),
    Endpoint("GET", f"{_PATH}/permissionLevels", permission_levels, fields({})),
)
