"""Answers a browser on this machine: the page, pages of its table, and single rollouts; nothing is ever written.

What keeps others out: the socket listens on 127.0.0.1 alone; every address begins with a random token; the request must name
this host (so that no foreign name that was made to point here is believed) and must not come from another site; only GET is
answered. No part of an address is ever a path of a file: there are four answers, and everything else is "not found".
"""

from __future__ import annotations

import hmac
import secrets
import sys
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from hicra.errors import ConfigError, HicraError, refused_by_system
from hicra.report.encode import script_json
from hicra.view.entries import table_rows, whole_rollout
from hicra.view.page import View
from hicra.view.search import Query, Search

HOST = "127.0.0.1"
MOST_FIELDS = 20  # of an address
_SECONDS = 30  # for a browser that has connected and says nothing
_HTML, _JSON = "text/html; charset=utf-8", "application/json; charset=utf-8"
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",  # the page has the rest of its policy in itself
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Server(ThreadingHTTPServer):
    """Serves a view at `url` once `serve_forever` is called.

    Args:
        view: the page and its rollouts.
        port: the port of this machine; 0 takes a free one.

    Raises:
        ConfigError: the port is no port, or another program has it.
        FileError: the system does not let us listen there.
    """

    daemon_threads = True
    allow_reuse_address = True  # a port of a view that has just ended; one that is listened on is refused all the same

    def __init__(self, view: View, port: int = 0) -> None:
        if not 0 <= port <= 65535:
            raise ConfigError(
                f"--port is {port}, no port", "give one from 1024 to 65535, or leave it out for a free one"
            )
        self.view, self.search, self.token = view, Search(view.index), secrets.token_urlsafe(24)
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            if port:
                raise ConfigError(
                    f"port {port} cannot be used: {error.strerror or error}",
                    "leave out --port for a free one, or name another",
                ) from None
            raise refused_by_system(error, f"no port of {HOST} can be listened on") from None

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Passes over a browser that has gone while it was answered; any other fault is one line and no trace of calls."""
        error = sys.exc_info()[1]
        if not isinstance(error, ConnectionError | TimeoutError):
            print(f"error: a request failed: {type(error).__name__}: {error}", file=sys.stderr, flush=True)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        """The address of the page, which holds the token."""
        return f"http://{HOST}:{self.port}/{self.token}/"


class _Handler(BaseHTTPRequestHandler):
    server: Server
    server_version, sys_version = "hicra", ""
    timeout = _SECONDS

    def do_GET(self) -> None:
        """Answers one request."""
        if not self._from_here():
            return self._say(HTTPStatus.FORBIDDEN, "this view answers its own page alone")
        address = urlsplit(self.path)
        token, _, what = address.path.removeprefix("/").partition("/")
        answers: dict[str, Callable[[dict[str, str]], tuple[str, str]]] = {
            "": self._page, "rollouts": self._rollouts, "rollout": self._rollout,
        }  # fmt: skip
        if not hmac.compare_digest(token.encode(), self.server.token.encode()) or what not in answers:
            return self._say(
                HTTPStatus.NOT_FOUND, "there is nothing at this address; use the one that hicra view printed"
            )
        try:
            given = dict(parse_qsl(address.query, keep_blank_values=True, max_num_fields=MOST_FIELDS))
            kind, text = answers[what](given)
        except HicraError as error:
            return self._say(HTTPStatus.BAD_REQUEST, error.message, error.fix)
        except ValueError as error:  # of parse_qsl
            return self._say(HTTPStatus.BAD_REQUEST, str(error))
        self._send(HTTPStatus.OK, kind, text)

    def _page(self, given: dict[str, str]) -> tuple[str, str]:
        return _HTML, self.server.view.page

    def _rollouts(self, given: dict[str, str]) -> tuple[str, str]:
        total, page, found = self.server.search.page(Query.of(given))
        return _JSON, script_json(
            {"total": total, "page": page, "rows": table_rows(self.server.view.index, found.tolist())}
        )

    def _rollout(self, given: dict[str, str]) -> tuple[str, str]:
        view, at = self.server.view, given.get("at", "")
        if not (at.isascii() and at.isdigit() and len(at) < 12 and int(at) < len(view.index)):
            raise ConfigError(f"there is no rollout {at[:40]!r}", f"they are numbered from 0 to {len(view.index) - 1}")
        return _JSON, whole_rollout(view.model, view.index, int(at))

    def _from_here(self) -> bool:
        """Whether the request names this host, and comes from its own page or from the address bar."""
        here = f"{HOST}:{self.server.port}"
        origin, site = self.headers.get("Origin"), self.headers.get("Sec-Fetch-Site", "none")
        return (
            self.headers.get("Host") == here and origin in (None, f"http://{here}") and site in ("none", "same-origin")
        )

    def _say(self, status: HTTPStatus, error: str, fix: str = "") -> None:
        self._send(status, _JSON, script_json({"error": error, "fix": fix}))

    def _send(self, status: HTTPStatus, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **_HEADERS}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: the address of every request holds the token."""
