"""Work on a real local Ray of two workers, started and ended here: the order, the errors, and that `hicra tag` and
`hicra diagnose` give the bytes that they give on this machine alone."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import random
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hicra import Lexicon, cli
from hicra.diagnose.diagnose import diagnose
from hicra.errors import ConfigError
from hicra.tagging import tag as tag_module
from hicra.tagging import tag_paths
from hicra.workers import cluster as cluster_module
from hicra.workers.backends import backend, check_backend
from hicra.workers.cluster import connect, ordered_on_ray
from hicra.workers.pool import WorkerDied
from tokenizers_made import byte_level

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'hicra[ray]'")

LEXICON = Lexicon.from_phrases(["let me check", "so we", "wait", "another way", "we try"])
WORDS = ["so", "we", "try", "let", "me", "check", "wait,", "another", "way", "Let’s", "\U0001f914", "等", "then."]


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    assert connect(2)
    assert ray.cluster_resources()["CPU"] == 2
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def rollouts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two files of rollouts: three steps, two models, groups, rewards, some null, a column of objects, a duplicate."""
    draw = random.Random(0)
    rows: list[dict[str, Any]] = [
        {
            "response": " ".join(draw.choice(WORDS) for _ in range(draw.randrange(30))),
            "reward": draw.choice([0.0, 1.0, None]),
            "question": f"q{number % 7}",
            "step": number % 3 + 1,
            "model": f"m{number % 2}",
            "more": {"n": number, "x": [0.5] * (number % 3)},
        }
        for number in range(60)
    ]
    rows += [{"id": 1, "response": "so we wait", "step": 1}] * 2
    folder = tmp_path_factory.mktemp("rollouts")
    for shard in range(2):
        (folder / f"part{shard}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows[shard::2]))
    return folder


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("tokenizer")
    byte_level([" ".join(WORDS)], 300).save(str(folder / "tokenizer.json"))
    return str(folder)


def tagged(rollouts: Path, out: Path, **given: Any) -> tuple[bytes, dict[str, Any]]:
    result = tag_paths([rollouts], LEXICON, unit=None, out=out, on_bad="stop", max_bad=0.01, **given)
    differs = ("seconds", "tokens_per_second", "workers", "output")
    return out.read_bytes(), {name: value for name, value in result.items() if name not in differs}


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_tagging_on_ray_gives_the_bytes_of_this_machine(
    cluster: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rollouts: Path, tokenizer: str, ending: str
) -> None:
    given = {"tokenizer": tokenizer if ending == "parquet" else None}
    local, said = tagged(rollouts, tmp_path / f"local.{ending}", **given)
    assert said["rows"] == 62
    assert said["planning_tokens"] > 50
    for batch, workers in ((1024, 1), (5, 2)):
        monkeypatch.setattr(tag_module, "BATCH", batch)
        out = tmp_path / f"ray{batch}.{ending}"
        assert tagged(rollouts, out, backend="ray", workers=workers, **given) == (local, said)
    assert ray.is_initialized()  # a cluster that was there stays


def measured(rollouts: Path, out: Path, **given: Any) -> tuple[dict[str, Any], dict[str, bytes]]:
    result = diagnose([rollouts], LEXICON, out=out, on_bad="stop", max_bad=0.01, by="model", **given)
    files = {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}
    result = {name: value for name, value in result.items() if name not in ("run_dir", "arms")}
    return result, {name: data for name, data in files.items() if not name.endswith("hicra.json")}


@pytest.mark.slow
def test_diagnosing_on_ray_gives_the_numbers_and_files_of_this_machine(
    cluster: None, tmp_path: Path, rollouts: Path, tokenizer: str
) -> None:
    for number, source in enumerate((None, tokenizer)):
        result, files = measured(rollouts, tmp_path / f"local{number}", tokenizer=source)
        assert len(result["steps"]) > 6
        kinds = {name.rpartition("/")[2] for name in files}
        assert {"metrics.jsonl", "intervals.jsonl", "prompts.parquet", "findings.json", "step-000001.parquet"} <= kinds
        assert any(step["hicra/conditional_entropy"] for step in result["steps"])
        found = measured(rollouts, tmp_path / f"ray{number}", tokenizer=source, backend="ray", workers=2)
        assert json.dumps(found[0]) == json.dumps(result)
        assert found[1] == files
    assert measured(rollouts, tmp_path / "two", tokenizer=tokenizer, workers=2)[1] == files


@pytest.mark.slow
def test_results_come_in_order_and_errors_as_they_were(cluster: None) -> None:
    def run(call: Any, tasks: Any, *bound: Any, workers: int = 1) -> list[Any]:
        return list(ordered_on_ray(ray, functools.partial, (call, *bound), tasks, workers))

    assert run(divmod, iter(range(1, 40)), 1000, workers=2) == [divmod(1000, task) for task in range(1, 40)]
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        run(divmod, [1, 0, 2], 1000)
    with pytest.raises(ConfigError, match="no backend 'nowhere'") as error:
        run(check_backend, [1], "nowhere")
    assert "local, ray" in str(error.value)
    with pytest.raises(ConfigError, match="no backend 'nowhere'"):  # already where the work is made
        list(ordered_on_ray(ray, check_backend, ("nowhere", 1), [1], 1))
    with pytest.raises(WorkerDied, match="a worker of the Ray cluster died"):
        run(os._exit, [3])


ENDED = """
import os, signal
from hicra.workers.cluster import cluster
from hicra.workers.signals import ends_on_sigterm
with ends_on_sigterm(), cluster(1):
    os.kill(os.getpid(), signal.SIGTERM)
    signal.pause()
"""


@pytest.mark.slow
def test_sigterm_ends_a_process_on_ray_as_it_does_without() -> None:
    """Ray sets a handler that prints a stack of C++ and aborts, with the signal of a crash in place of 143."""
    done = subprocess.run([sys.executable, "-c", ENDED], capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stderr) == (143, "")


def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process that is connected to no cluster."""
    monkeypatch.setattr(ray, "is_initialized", lambda: False)


def test_an_address_at_which_nothing_listens_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    alone(monkeypatch)
    with socket.socket() as taken:  # bound and not listening, so nobody else gets the port
        taken.bind(("127.0.0.1", 0))
        for scheme in ("", "ray://"):
            address = f"{scheme}127.0.0.1:{taken.getsockname()[1]}"
            monkeypatch.setenv("RAY_ADDRESS", address)
            with pytest.raises(ConfigError, match=f"no Ray cluster answers at RAY_ADDRESS={address}") as error:
                connect(2)
            assert "ray start --head" in str(error.value)


@contextlib.contextmanager
def listens(answer: bytes) -> Iterator[str]:
    """A server that says this to whoever comes, and then nothing."""

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                come, _ = server.accept()
                come.recv(100)
                come.sendall(answer)
                held.append(come)

    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
    for one in held:
        one.close()


@pytest.mark.parametrize(
    ("answer", "says"), [(b"HTTP/1.1 400 Bad Request\r\n", "something else listens"), (b"", "no answer within 0.2 s")]
)
def test_what_listens_and_is_no_ray_is_refused(monkeypatch: pytest.MonkeyPatch, answer: bytes, says: str) -> None:
    """As where another server has taken the port; Ray tries for minutes, and says nothing meanwhile."""
    monkeypatch.setattr(cluster_module, "KNOCK_S", 0.2)
    alone(monkeypatch)
    with listens(answer) as address:
        monkeypatch.setenv("RAY_ADDRESS", address)
        with pytest.raises(ConfigError, match=f"RAY_ADDRESS={address}: .*{says}"):
            connect(2)


def test_what_answers_as_a_cluster_does_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with listens(b"\0\0\6\4\0\0\0\0\0\0\4\0\0\xff\xff") as address:  # SETTINGS, with one of them
        cluster_module._refuse_silent(address)
    monkeypatch.setattr(cluster_module, "KNOCK_S", 0.2)
    monkeypatch.setenv("RAY_USE_TLS", "1")
    with listens(b"") as address:
        cluster_module._refuse_silent(address)


@pytest.mark.slow
def test_a_real_cluster_is_taken(cluster: None) -> None:
    cluster_module._refuse_silent(ray.get_runtime_context().gcs_address)


def test_an_address_of_ipv6_is_knocked_at_and_one_of_no_host_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def nobody(place: tuple[str, int], seconds: float) -> socket.socket:
        asked.append(place)
        raise ConnectionRefusedError("refused")

    monkeypatch.setattr(socket, "create_connection", nobody)
    with pytest.raises(ConfigError, match="refused"):
        cluster_module._refuse_silent("[::1]:6379")
    assert asked == [("::1", 6379)]
    monkeypatch.undo()
    with pytest.raises(ConfigError, match="no Ray cluster answers at RAY_ADDRESS=hhh"):
        cluster_module._refuse_silent(f"{'h' * 64}:6379")  # a label of a name has at most 63 characters


@pytest.mark.parametrize("address", ["", "auto"])
def test_a_ray_that_does_not_start_is_an_error_with_what_to_do(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    def fails(**_: Any) -> None:
        raise ConnectionError("port 6379 is in use\nand a long tail")

    alone(monkeypatch)
    monkeypatch.setattr(ray, "init", fails)
    monkeypatch.setenv("RAY_ADDRESS", address)
    expected = "no Ray cluster answers at RAY_ADDRESS=auto" if address else "Ray does not start"
    with pytest.raises(ConfigError, match=f"{expected}: port 6379 is in use\n  fix: "), backend("ray", 2):
        pass


def test_what_is_missing_is_said_before_anything_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given: dict[str, Any] = {"on_bad": "stop", "max_bad": 0.01, "tokenizer": None, "unit": None, "out": None}
    absent = [tmp_path / "absent.jsonl"]
    for call in (tag_paths, diagnose):
        with pytest.raises(ConfigError, match="no backend 'rai'(.|\n)*'ray'"):
            call(absent, LEXICON, **given, backend="rai")
        with pytest.raises(ConfigError, match="0 workers"):
            call(absent, LEXICON, **given, workers=0)
    monkeypatch.setitem(sys.modules, "ray", None)
    for call in (tag_paths, diagnose):
        with pytest.raises(ConfigError, match=r"'ray' needs a package(.|\n)*\[ray\]"):
            call(absent, LEXICON, **given, backend="ray")


@pytest.mark.parametrize("verb", ["tag", "diagnose"])
def test_the_verbs_take_the_backend(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    (tmp_path / "rows.jsonl").write_text('{"response": "so we wait"}\n')
    monkeypatch.setitem(sys.modules, "ray", None)
    call = [verb, str(tmp_path / "rows.jsonl"), "--json", "--backend"]
    with pytest.raises(SystemExit) as stopped:
        cli.main([*call, "ray", "--workers", "2"])
    assert stopped.value.code == 1
    assert json.loads(capsys.readouterr().out)["error"].startswith(
        "backend 'ray' needs a package that is not installed"
    )
