"""A local server that answers chat completions, for tests of what asks a model behind an endpoint."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable
from typing import Any


class _Server(http.server.ThreadingHTTPServer):
    request_queue_size = 64  # with the default of 5 some of the requests at a time wait a second for another try


class JudgeServer:
    """Answers each request by a function of its body; keeps all requests.

    Args:
        answer: from the body of a request to (status, text of the answer, why it ended).

    Attributes:
        seen: (headers, body) of each request.
        address: what `--judge` takes.
    """

    def __init__(self, answer: Callable[[dict[str, Any]], tuple[int, str, str]]) -> None:
        self.seen: list[tuple[dict[str, str], dict[str, Any]]] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.seen.append((dict(self.headers), body))
                status, text, reason = answer(body)
                reply = {"choices": [{"message": {"content": text}, "finish_reason": reason}]}
                self.send_response(status)
                self.end_headers()
                self.wfile.write((json.dumps(reply) if status == 200 else text).encode())

            def log_message(self, *_: Any) -> None:
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def __enter__(self) -> JudgeServer:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
