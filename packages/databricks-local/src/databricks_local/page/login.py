"""Who may see the pages: a link that works once, or the token, is exchanged for a cookie.

The cookie is signed with a key made from the token, so it outlives a restart and dies with the token.
"""

import hmac
import re
import secrets
import time
from dataclasses import dataclass
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import Response

_LASTS_S = 7 * 24 * 3600
_OPEN_CODES = 100


@dataclass(frozen=True)
class Session:
    """A browser that has logged in.

    Attributes:
        cookie: What it sends.
        form_token: What its forms hold: no other site can read it, though all ports of a host share a cookie.
    """

    cookie: str
    form_token: str


class Logins:
    """The logins of one server."""

    def __init__(self, token: str) -> None:
        """Start without any open code.

        Args:
            token: The workspace's token.
        """
        self._token = token
        self._key = sha256(b"databricks-local page\0" + token.encode()).digest()
        self._codes: dict[str, bool] = {}

    def new_code(self) -> str:
        """Return a code that lets one browser in, once, while this server runs."""
        if len(self._codes) >= _OPEN_CODES:
            del self._codes[next(iter(self._codes))]
        code = secrets.token_urlsafe(24)
        self._codes[code] = True
        return code

    def by_code(self, code: str) -> Session | None:
        """Return a new session for a code, which is used up then; ``None`` for one that is not good."""
        return self._new() if self._codes.pop(code, False) else None

    def by_token(self, token: str) -> Session | None:
        """Return a new session for the token; ``None`` for a wrong one."""
        return self._new() if hmac.compare_digest(token.encode(), self._token.encode()) else None

    def session(self, request: Request) -> Session | None:
        """Return the session of a request; ``None`` when it has none that is good."""
        name, _, signature = request.cookies.get(_cookie_name(request), "").rpartition(".")
        end = name.partition(".")[2]
        if not hmac.compare_digest(signature.encode(), self._sign("session", name).encode()):
            return None
        if not re.fullmatch(r"\d{1,12}", end) or int(end) < time.time():
            return None
        return Session(f"{name}.{signature}", self._sign("form", name))

    def _new(self) -> Session:
        name = f"{secrets.token_urlsafe(24)}.{int(time.time()) + _LASTS_S}"
        return Session(f"{name}.{self._sign('session', name)}", self._sign("form", name))

    def _sign(self, purpose: str, name: str) -> str:
        return hmac.new(self._key, f"{purpose}\0{name}".encode(), sha256).hexdigest()


def set_cookie(request: Request, response: Response, session: Session) -> None:
    """Have the browser keep a session."""
    response.set_cookie(
        _cookie_name(request), session.cookie, max_age=_LASTS_S, httponly=True, samesite="strict"
    )


def _cookie_name(request: Request) -> str:
    # Workspaces on other ports of this host get the same cookies.
    return f"databricks_local_{request.url.port or 80}"
