"""Secrets by scope and key, in a file that only its owner can read."""

import base64
import json
import os
from pathlib import Path
from typing import Any

from databricks.sdk.service.workspace import SecretsAPI

from databricks_local.api import Call, Endpoint
from databricks_local.clock import Clock
from databricks_local.errors import ApiError, exists, invalid, missing
from databricks_local.fields import fields, fields_of
from databricks_local.files.forms import decoded

# https://docs.databricks.com/api/workspace/secrets/putsecret
_LARGEST_VALUE = 128 * 1024
_LONGEST_NAME = 128


class SecretScopes:
    """The scopes of one workspace. No value is ever logged or part of an error."""

    def __init__(self, file: Path, clock: Clock) -> None:
        """Read what is kept.

        Args:
            file: Where it is kept, with mode 0600.
            clock: The workspace's time.
        """
        self._file = file
        self._clock = clock
        self._scopes: dict[str, dict[str, dict[str, Any]]] = (
            json.loads(file.read_text()) if file.is_file() else {}
        )

    def values(self) -> dict[str, dict[str, bytes]]:
        """Return all values by scope and key, for tasks."""
        return {
            scope: {key: base64.b64decode(secret["value"]) for key, secret in secrets.items()}
            for scope, secrets in self._scopes.items()
        }

    def names(self) -> list[str]:
        """Return the names of the scopes."""
        return sorted(self._scopes)

    def create(self, scope: str) -> None:
        """Make a scope.

        Raises:
            ApiError: 400: there is one, or the name is not accepted.
        """
        _check_name("scope", scope)
        if scope in self._scopes:
            raise exists(f"Scope {scope} already exists!")
        self._scopes[scope] = {}
        self._save()

    def delete(self, scope: str) -> None:
        """Remove a scope with its secrets.

        Raises:
            ApiError: 404: there is none.
        """
        self.secrets(scope)
        del self._scopes[scope]
        self._save()

    def secrets(self, scope: str) -> dict[str, dict[str, Any]]:
        """Return the secrets of a scope, by key.

        Raises:
            ApiError: 404: there is no such scope.
        """
        if scope not in self._scopes:
            raise missing(f"Scope {scope} does not exist!")
        return self._scopes[scope]

    def put(self, scope: str, key: str, value: bytes) -> None:
        """Set a secret.

        Raises:
            ApiError: 404: there is no such scope; 400: the key or the length is not accepted.
        """
        secrets = self.secrets(scope)
        _check_name("key", key)
        if len(value) > _LARGEST_VALUE:
            raise ApiError(
                400, "MAX_SECRET_SIZE_EXCEEDED", f"The secret has more than {_LARGEST_VALUE} bytes."
            )
        secrets[key] = {
            "value": base64.b64encode(value).decode(),
            "last_updated_timestamp": self._clock.now_ms(),
        }
        self._save()

    def get(self, scope: str, key: str) -> dict[str, Any]:
        """Return a secret: ``value`` in base64 and ``last_updated_timestamp``.

        Raises:
            ApiError: 404: there is no such scope or key.
        """
        secrets = self.secrets(scope)
        if key not in secrets:
            raise missing(f"Secret does not exist with scope: {scope} and key: {key}")
        return secrets[key]

    def remove(self, scope: str, key: str) -> None:
        """Remove a secret.

        Raises:
            ApiError: 404: there is no such scope or key.
        """
        self.get(scope, key)
        del self._scopes[scope][key]
        self._save()

    def _save(self) -> None:
        new = self._file.with_suffix(".new")
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            json.dump(self._scopes, stream)
        new.replace(self._file)


async def create_scope(call: Call) -> object:
    """Make a scope."""
    call.workspace.secrets.create(call.values["scope"])
    return {}


async def list_scopes(call: Call) -> object:
    """Return all scopes."""
    return {"scopes": [{"name": n, "backend_type": "DATABRICKS"} for n in call.workspace.secrets.names()]}


async def delete_scope(call: Call) -> object:
    """Remove a scope."""
    call.workspace.secrets.delete(call.values["scope"])
    return {}


async def put_secret(call: Call) -> object:
    """Set a secret."""
    if ("string_value" in call.values) == ("bytes_value" in call.values):
        raise invalid("Exactly one of string_value and bytes_value must be given.")
    if "string_value" in call.values:
        value = call.values["string_value"].encode()
    else:
        value = decoded(call.values["bytes_value"], "bytes_value")
    call.workspace.secrets.put(call.values["scope"], call.values["key"], value)
    return {}


async def get_secret(call: Call) -> object:
    """Return a secret in base64."""
    key = call.values["key"]
    return {"key": key, "value": call.workspace.secrets.get(call.values["scope"], key)["value"]}


async def list_secrets(call: Call) -> object:
    """Return the keys of a scope."""
    found = call.workspace.secrets.secrets(call.values["scope"])
    moment = "last_updated_timestamp"
    return {"secrets": [{"key": key, moment: found[key][moment]} for key in sorted(found)]}


async def delete_secret(call: Call) -> object:
    """Remove a secret."""
    call.workspace.secrets.remove(call.values["scope"], call.values["key"])
    return {}


def _check_name(what: str, name: str) -> None:
    accepted = all((c.isascii() and c.isalnum()) or c in "-_@./ " for c in name)
    if not name or len(name) > _LONGEST_NAME or not accepted:
        raise invalid(
            f"The {what} '{name[:_LONGEST_NAME]}' is not accepted: it may have up to {_LONGEST_NAME} letters,"
            " digits and the characters -_@./ and space."
        )


_ROOT = "/api/2.0/secrets"
_KEYED = ["scope", "key"]

ENDPOINTS = (
    Endpoint(
        "POST", f"{_ROOT}/scopes/create", create_scope, fields_of(SecretsAPI.create_scope, required=["scope"])
    ),
    Endpoint("GET", f"{_ROOT}/scopes/list", list_scopes, fields({})),
    Endpoint(
        "POST", f"{_ROOT}/scopes/delete", delete_scope, fields_of(SecretsAPI.delete_scope, required=["scope"])
    ),
    Endpoint("POST", f"{_ROOT}/put", put_secret, fields_of(SecretsAPI.put_secret, required=_KEYED)),
    Endpoint("GET", f"{_ROOT}/get", get_secret, fields_of(SecretsAPI.get_secret, required=_KEYED)),
    Endpoint("GET", f"{_ROOT}/list", list_secrets, fields_of(SecretsAPI.list_secrets, required=["scope"])),
    Endpoint("POST", f"{_ROOT}/delete", delete_secret, fields_of(SecretsAPI.delete_secret, required=_KEYED)),
)
