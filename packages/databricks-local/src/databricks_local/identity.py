"""Who the caller is: SCIM, and what clients ask of a host before they have a token."""

import hashlib
import re
import uuid
from typing import Any

from databricks.sdk.service.iam import GroupsV2API, ServicePrincipalsV2API, UsersV2API
from starlette.responses import JSONResponse

from databricks_local.api import Call, Endpoint
from databricks_local.errors import ApiError, not_imitated
from databricks_local.fields import Fields, fields, fields_of

WORKSPACE_ID = 1
"""The number of the workspace, as in ``?o=`` of its URLs."""

_SCIM = "/api/2.0/preview/scim/v2"
_PREFIX = "urn:ietf:params:scim"
_FILTER = re.compile(r'\s*([\w.]+)\s+eq\s+"?([^"]*)"?\s*', re.IGNORECASE)
_GROUPS = ("admins", "users")


async def me(call: Call) -> object:
    """Return the owner of the token."""
    user = call.workspace.config.user
    shown = _service_principal(user) if is_service_principal(user) else _user(user)
    # A service principal sees itself as a user whose name is its application id.
    shown |= {"userName": user, "schemas": [f"{_PREFIX}:schemas:core:2.0:User"]}
    return JSONResponse(shown, headers={"X-Databricks-Org-Id": str(WORKSPACE_ID)})


async def list_users(call: Call) -> object:
    """Return the users that a filter leaves."""
    user = call.workspace.config.user
    return _listed(call, [] if is_service_principal(user) else [_user(user)])


async def get_user(call: Call) -> object:
    """Return a user."""
    user = call.workspace.config.user
    return _one(call, [] if is_service_principal(user) else [_user(user)], "User")


async def list_service_principals(call: Call) -> object:
    """Return the service principals that a filter leaves."""
    user = call.workspace.config.user
    return _listed(call, [_service_principal(user)] if is_service_principal(user) else [])


async def get_service_principal(call: Call) -> object:
    """Return a service principal."""
    user = call.workspace.config.user
    principals = [_service_principal(user)] if is_service_principal(user) else []
    return _one(call, principals, "Service principal")


async def list_groups(call: Call) -> object:
    """Return the groups that a filter leaves."""
    return _listed(call, [_group(name) for name in _GROUPS])


async def get_group(call: Call) -> object:
    """Return a group."""
    return _one(call, [_group(name) for name in _GROUPS], "Group")


async def host_metadata(call: Call) -> object:
    """Tell which workspace this host is, before anyone has a token."""
    return {
        "oidc_endpoint": f"{call.workspace.host}/oidc",
        "workspace_id": str(WORKSPACE_ID),
    }


async def oidc_metadata(call: Call) -> object:
    """Tell where OAuth would be; tokens are not given out there, the one of the server is used."""
    issuer = f"{call.workspace.host}/oidc"
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/v1/authorize",
        "token_endpoint": f"{issuer}/v1/token",
    }


async def telemetry(call: Call) -> object:
    """Take what the Databricks CLI tells of its use, and forget it."""
    return {"errors": [], "numProtoSuccess": len(call.values.get("protoLogs", []))}


def is_service_principal(name: str) -> bool:
    """Return whether a name is an application id rather than a user's name.

    Args:
        name: A name such as ``someone@example.com`` or a UUID.
    """
    try:
        return str(uuid.UUID(name)) == name.lower()
    except ValueError:
        return False


def _number(name: str) -> str:
    return str(int.from_bytes(hashlib.sha256(name.encode()).digest()[:6]))


def _user(name: str) -> dict[str, Any]:
    return {
        "schemas": [f"{_PREFIX}:schemas:core:2.0:User"],
        "id": _number(name),
        "userName": name,
        "displayName": name.partition("@")[0],
        "active": True,
        "emails": [{"type": "work", "value": name, "primary": True}],
        "groups": [_membership(group) for group in _GROUPS],
        "entitlements": [{"value": "workspace-access"}, {"value": "allow-cluster-create"}],
    }


def _service_principal(name: str) -> dict[str, Any]:
    return {
        "schemas": [f"{_PREFIX}:schemas:core:2.0:ServicePrincipal"],
        "id": _number(name),
        "applicationId": name,
        "displayName": name,
        "active": True,
        "groups": [_membership(group) for group in _GROUPS],
        "entitlements": [{"value": "workspace-access"}, {"value": "allow-cluster-create"}],
    }


def _group(name: str) -> dict[str, Any]:
    return {
        "schemas": [f"{_PREFIX}:schemas:core:2.0:Group"],
        "id": _number(f"group {name}"),
        "displayName": name,
    }


def _membership(group: str) -> dict[str, str]:
    number = _number(f"group {group}")
    return {"display": group, "type": "direct", "value": number, "$ref": f"Groups/{number}"}


def _listed(call: Call, found: list[dict[str, Any]]) -> dict[str, Any]:
    wanted = call.values.get("filter")
    if wanted is not None:
        match = _FILTER.fullmatch(wanted)
        if match is None:
            raise not_imitated(f"{call.request.method} {call.request.url.path} with the filter {wanted!r}")
        names = {name.lower(): name for item in found for name in item}
        name = names.get(match[1].lower(), "")
        found = [item for item in found if str(item.get(name, "")).lower() == match[2].lower()]
    start, count = call.values.get("startIndex", 1), call.values.get("count", 100)
    page = found[max(start - 1, 0) :][: max(count, 0)]
    return {
        "schemas": [f"{_PREFIX}:api:messages:2.0:ListResponse"],
        "totalResults": len(found),
        "startIndex": start,
        "itemsPerPage": len(page),
        "Resources": page,
    }


def _one(call: Call, found: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    for item in found:
        if item["id"] == call.path["id"]:
            return item
    raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"{kind} with id {call.path['id']} not found.")


def _list_fields(api: type) -> Fields:
    # SCIM names its fields unlike the rest of the API, and the SDK does not keep to its own signature.
    names = {"startIndex": int, "excludedAttributes": str, "sortBy": str, "sortOrder": str}
    return fields_of(
        api.list,  # type: ignore[attr-defined]
        extra=names,
        without=["start_index", "excluded_attributes", "sort_by", "sort_order"],
    )


_ANY_FIELDS = fields({"attributes": str, "excludedAttributes": str})

_TELEMETRY = {"uploadTime": int, "items": list[str], "protoLogs": list[str]}

ENDPOINTS = (
    Endpoint("GET", f"{_SCIM}/Me", me, _ANY_FIELDS),
    Endpoint("GET", f"{_SCIM}/Users", list_users, _list_fields(UsersV2API)),
    Endpoint("GET", f"{_SCIM}/Users/{{id}}", get_user, _ANY_FIELDS),
    Endpoint(
        "GET",
        f"{_SCIM}/ServicePrincipals",
        list_service_principals,
        _list_fields(ServicePrincipalsV2API),
    ),
    Endpoint("GET", f"{_SCIM}/ServicePrincipals/{{id}}", get_service_principal, _ANY_FIELDS),
    Endpoint("GET", f"{_SCIM}/Groups", list_groups, _list_fields(GroupsV2API)),
    Endpoint("GET", f"{_SCIM}/Groups/{{id}}", get_group, _ANY_FIELDS),
    Endpoint("GET", "/.well-known/databricks-config", host_metadata, None),
    Endpoint("GET", "/oidc/.well-known/oauth-authorization-server", oidc_metadata, None),
    Endpoint("POST", "/telemetry-ext", telemetry, fields(_TELEMETRY)),
)
