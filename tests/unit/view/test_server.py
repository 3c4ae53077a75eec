"""The server: who is answered, with what, and who is not."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from hicra import cli
from hicra.errors import ConfigError
from hicra.view.page import make_view
from hicra.view.server import HOST, Server
from hostile_run import PAYLOADS, hostile_run
from report_fakes import fake_run


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("runs")
    runs = [
        fake_run(folder / "none", "none", 0, 3),
        fake_run(folder / "hicra", "hicra", 0, 3),
        hostile_run(folder / "h", "x", 0),
    ]
    with Server(make_view(runs)) as found:
        thread = threading.Thread(target=found.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield found
        found.shutdown()


def ask(server: Server, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], str]:
    connection = HTTPConnection(HOST, server.port, timeout=20)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    found = answer.status, dict(answer.getheaders()), answer.read().decode()
    connection.close()
    return found


def rollouts(server: Server, query: str = "") -> dict[str, Any]:
    status, headers, text = ask(server, f"/{server.token}/rollouts{query}")
    assert (status, headers["Content-Type"]) == (200, "application/json; charset=utf-8")
    assert "<" not in text
    found: dict[str, Any] = json.loads(text)
    return found


def test_the_page_and_its_policy(server: Server) -> None:
    status, headers, text = ask(server, f"/{server.token}/")
    assert status == 200
    assert "connect-src 'self'" in text
    assert "default-src 'none'" in text
    assert "unsafe" not in text.split("</head>")[0].split("<style>")[0]
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in headers
    assert server.token not in text  # the page needs it in no place but its address


def test_all_rollouts_are_there_and_each_can_be_had(server: Server) -> None:
    total = 2 * 3 * 16 + len(PAYLOADS)
    found = rollouts(server)
    assert (found["total"], found["page"], len(found["rows"])) == (total, 0, 10)
    assert rollouts(server, "?arm=1&outcome=1&page=0")["rows"][0]["arm"] == 1
    assert rollouts(server, "?text=scale+drop&from=2")["total"] < total
    _, _, text = ask(server, f"/{server.token}/rollout?at={total - 1}")
    one = json.loads(text)
    assert one["block"]["rollouts"][0]["response"] == PAYLOADS[-1]
    assert one["twin"] is None
    first = json.loads(ask(server, f"/{server.token}/rollout?at=0")[2])
    assert first["block"]["rollouts"][0]["gold"] == "17"
    assert first["twin"] is not None


@pytest.mark.parametrize(
    "path",
    [
        "/", "/rollouts", "/wrong/rollouts", "/TOKEN", "/TOKEN/hicra.json", "/TOKEN/../../etc/passwd", "/TOKEN/..%2fhicra.json",
        "/TOKEN/rollouts/step-000001.parquet", "/TOKEN//etc/passwd", "/tok%C3%A9n/",
    ],
)  # fmt: skip
def test_nothing_else_is_answered(server: Server, path: str) -> None:
    status, _, text = ask(server, path.replace("TOKEN", server.token if path != "/TOKEN" else "no"))
    assert status == 404
    assert "root:" not in text


def test_other_hosts_sites_and_methods_are_refused(server: Server) -> None:
    page, here = f"/{server.token}/rollouts", f"{HOST}:{server.port}"
    assert ask(server, page, Host="example.org")[0] == 403
    assert ask(server, page, Host=f"localhost.example.org:{server.port}")[0] == 403
    assert ask(server, page, Origin="http://example.org")[0] == 403
    assert ask(server, page, Origin="null")[0] == 403
    assert ask(server, page, Sec_Fetch_Site="cross-site")[0] == 403
    assert ask(server, page, Sec_Fetch_Site="same-origin", Origin=f"http://{here}")[0] == 200
    for method in ("POST", "PUT", "DELETE", "HEAD", "OPTIONS"):
        assert ask(server, page, method)[0] == 501


def test_a_wrong_question_is_answered_in_words(server: Server) -> None:
    status, _, text = ask(server, f"/{server.token}/rollouts?sort=nothing")
    assert (status, "sorted by" in json.loads(text)["error"]) == (400, True)
    for at in ("", "-1", "999999", "x", "1e3", "%D9%A1"):
        assert ask(server, f"/{server.token}/rollout?at={at}")[0] == 400
    assert ask(server, f"/{server.token}/rollouts?" + "&".join(f"a{n}=1" for n in range(50)))[0] == 400


def test_it_listens_on_this_machine_alone_and_its_token_cannot_be_guessed(server: Server) -> None:
    assert server.server_address[0] == "127.0.0.1"
    assert len(server.token) >= 32
    with Server(server.view) as other:
        assert other.token != server.token


def test_a_port_that_is_taken_is_said(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port} cannot be used: Address already in use"):
            Server(server.view, port)
        run = fake_run(tmp_path / "run", steps=1)
        with pytest.raises(SystemExit) as stop:
            cli.main(["view", str(run), "--port", str(port), "--json"])
        assert stop.value.code == 1
        assert "leave out --port" in json.loads(capsys.readouterr().out)["fix"]
    with pytest.raises(ConfigError, match="no port"):
        Server(server.view, 70000)


def test_the_folder_is_not_written_to(tmp_path: Path) -> None:
    run = fake_run(tmp_path / "run", steps=2)
    before = {path: path.stat().st_mtime_ns for path in [run, *run.rglob("*")]}
    with Server(make_view([run])) as found:
        thread = threading.Thread(target=found.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        assert rollouts(found, "?text=let")["total"] > 0
        found.shutdown()
    assert {path: path.stat().st_mtime_ns for path in [run, *run.rglob("*")]} == before


def test_a_browser_that_goes_away_while_it_is_answered_leaves_no_trace(
    server: Server, capfd: pytest.CaptureFixture[str]
) -> None:
    failures = [
        ConnectionResetError(104, "Connection reset by peer"),
        BrokenPipeError(32, "Broken pipe"),
        TimeoutError(),
    ]
    for error in [*failures, RuntimeError("odd")]:
        try:
            raise error
        except Exception:
            server.handle_error(None, None)  # what socketserver calls where a handler raises
    assert capfd.readouterr().err == "error: a request failed: RuntimeError: odd\n"
    with socket.create_connection((HOST, server.port)) as gone:
        gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")  # closing it resets the connection
        gone.sendall(f"GET /{server.token}/ HTTP/1.1\r\nHost: {HOST}:{server.port}\r\n\r\n".encode())
    assert ask(server, f"/{server.token}/")[0] == 200
    assert "Traceback" not in capfd.readouterr().err
