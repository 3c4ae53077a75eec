"""Ray and local give the same bytes: on a real local Ray of two workers, started and ended here."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hicra.corpus import BadLine
from hicra.errors import ConfigError, DataError
from hicra.mining.counting.open import open_backend
from hicra.mining.counting.ray.files import expand
from hicra.mining.mine import mine, mine_paths
from hicra.mining.settings import MineSettings

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'hicra[ray]'")
pytest.importorskip("pyarrow")

TALK = "let us try again now wait but so we can check the sum of both sides first then go on with another way"
WORDS = TALK.split(" ")
PHRASES = [" ".join(WORDS[start : start + size]) for start in range(0, 18, 2) for size in (3, 4, 6)]
SETTINGS = MineSettings(embedder="hashing", min_df=3)
CHECK = SETTINGS.model_copy(update={"count": "questions", "near_duplicates": "merge", "contrast": 0.5})


def living() -> dict[int, int]:
    """The parent of every living process; one that ended and was not yet waited for does not live."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rsplit(")", 1)[1].split()[:2]
        except OSError:
            continue
        if state != "Z":
            parents[int(stat.parent.name)] = int(parent)
    return parents


def descendants() -> set[int]:
    """Living processes that this one started, and those that these started; Ray's own among them."""
    parents = living()
    found, fresh = set(), {os.getpid()}
    while fresh:
        fresh = {pid for pid, parent in parents.items() if parent in fresh} - found
        found |= fresh
    return found


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """A local Ray of two workers, as `open_backend` starts it; nothing of it is left."""
    before = descendants()
    backend = open_backend("ray", workers=2)
    assert ray.is_initialized()
    assert ray.cluster_resources()["CPU"] == 2
    started = descendants() - before
    assert len(started) >= 4 or not Path("/proc/self/stat").exists()
    yield
    started |= descendants() - before
    backend.close()
    assert not ray.is_initialized()
    for _ in range(600):  # they end by themselves, late where the machine is busy
        if not started & living().keys():
            break
        time.sleep(0.1)
    assert not started & living().keys()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three files: copies, near copies, incorrect rows, one row with an id in two files, hostile characters."""
    draw = random.Random(0)
    texts = [
        " ".join(draw.choice(PHRASES) + draw.choice(["", ",", ".", f" {row}"]) for _ in range(12)) for row in range(60)
    ]
    texts += [*texts[:7], "so we go on. İstanbul ﬁne \x00 ok", "so we go on $x$ – “then stop”", "7 8", ""]
    rows: list[dict[str, Any]] = [
        {"solution": text, "correct": number % 4 > 0, "question": f"q{number % 11}", "source": f"s{number % 2}"}
        for number, text in enumerate(texts)
    ]
    rows += [{"solution": f"so we go on and on {n}", "correct": True, "source": "s9"} for n in range(4)]
    folder = tmp_path_factory.mktemp("rows")
    for shard in range(3):
        shared = {"solution": "let us try again now", "correct": True, "id": 1}
        lines = [json.dumps(row) + "\n" for row in [*rows[shard::3], shared]]
        (folder / f"part{shard}.jsonl").write_text("".join(lines))
    return folder


def saved(folder: Path, out: Path, settings: MineSettings, backend: str) -> tuple[list[bytes], dict[str, Any]]:
    lexicon, report = mine_paths(folder, settings, backend=backend)
    lexicon.save(out)
    return [(out / name).read_bytes() for name in ("lexicon.json", "grams.parquet")], report


@pytest.mark.usefixtures("cluster")
@pytest.mark.slow
def test_ray_and_local_give_the_same_bytes(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    local, said = saved(folder, tmp_path / "local", SETTINGS, "local")
    monkeypatch.setattr("hicra.mining.counting.ray.backend.PART_IDS", 1500)  # two parts for each n
    on_ray, said_on_ray = saved(folder, tmp_path / "ray", SETTINGS, "ray")
    assert on_ray == local
    different = {"seconds", "peak_rss_mb", "backend"}
    assert {k: v for k, v in said.items() if k not in different} == {
        k: v for k, v in said_on_ray.items() if k not in different
    }
    assert said["duplicates"] == 2  # found across files
    assert said["grams"] > 10
    assert ray.is_initialized()  # a cluster that was there stays


@pytest.mark.usefixtures("cluster")
@pytest.mark.slow
def test_texts_in_memory_and_errors(tmp_path: Path, folder: Path) -> None:
    texts = [f"so we {word} on and then \ud800 stop" for word in WORDS for _ in "ab"]
    texts += ["so we wait, on 7 and then stop", "so we wait on 8 and then stop!"]
    asked = [f"q{number % 5}" if number % 3 else None for number in range(len(texts))]
    wrong = ["so we go on and then stop", "and then stop", "7"]
    local, on_ray = (mine(texts, CHECK, asked, against=wrong, backend=name) for name in ("local", "ray"))
    assert on_ray.table.equals(local.table)
    assert (local.statistics["against"], local.statistics["near_duplicates"]) == (3, 2)
    assert on_ray.statistics == local.statistics

    (tmp_path / "bad.jsonl").write_bytes(b'{"solution": "so we go on", "correct": true}\n\xff\xfe\x00\n')
    with pytest.raises(BadLine) as local_error:
        mine_paths([folder, tmp_path / "bad.jsonl"], SETTINGS)
    address = (tmp_path / "bad.jsonl").as_uri()
    with pytest.raises(BadLine) as error:
        mine_paths([str(folder), address], SETTINGS, backend="ray")
    assert (error.value.line, error.value.reason) == (local_error.value.line, local_error.value.reason)
    assert error.value.file == address


@pytest.mark.usefixtures("cluster")
@pytest.mark.slow
def test_other_columns_and_skipped_lines_on_ray(tmp_path: Path) -> None:
    for shard in range(2):
        rows: list[Any] = [{"said": [f"so we check it {n}", "and on"], "ok": [1, 0], "n": shard} for n in range(3)]
        lines = [json.dumps(row) + "\n" for row in [*rows, {"said": shard, "ok": 1}]]
        (tmp_path / f"part{shard}.jsonl").write_text("".join(lines))
    mapping = {"response": "said", "correct": "ok"}
    found = []
    for name in ("local", "ray"):
        listed = tmp_path / f"{name}.skipped"
        lexicon, report = mine_paths(tmp_path, SETTINGS, "skip", 0.5, backend=name, mapping=mapping, quarantine=listed)
        found.append((lexicon.phrases, report["solutions"], report["skipped"], listed.read_text()))
    assert found[0] == found[1]
    assert found[0][1:3] == (3, 2)
    assert [json.loads(line)["raw"] for line in found[0][3].splitlines()] == [
        '{"said": 0, "ok": 1}',
        '{"said": 1, "ok": 1}',
    ]


def test_addresses_are_listed_as_folders_are(folder: Path, tmp_path: Path) -> None:
    names = [f"part{shard}.jsonl" for shard in range(3)]
    assert expand(folder) == [str(folder / name) for name in names]
    assert expand(folder.as_uri()) == [f"{folder.as_uri()}/{name}" for name in names]
    assert expand(Path(folder.as_uri())) == expand(folder.as_uri())  # Path drops a slash
    assert expand([f"{folder.as_uri()}/part1.jsonl"]) == [f"{folder.as_uri()}/part1.jsonl"]
    for address, message in (
        (f"{folder.as_uri()}/none.jsonl", "no such file: file://"),
        (tmp_path.as_uri(), "holds no .jsonl"),
    ):
        with pytest.raises(DataError, match=message):
            expand(address)


@pytest.mark.slow
def test_without_ray_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(ConfigError, match=r"'ray' needs a package(.|\n)*\[ray\]"):
        open_backend("ray")
