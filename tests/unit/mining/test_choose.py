"""Choosing among counted n-grams, by hand-worked numbers; criteria, clusterers, joining, and `why`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hicra.arrays import Ints
from hicra.errors import ConfigError, DataError
from hicra.mining import criteria
from hicra.mining.choose import Chosen, Contrast, Fate, Holders, choose, join
from hicra.mining.cluster import NOISE, Agglomerative, Hdbscan, get_clusterer
from hicra.mining.counting.ngrams import Grams, count_ngrams
from hicra.mining.counting.words import tokenise
from hicra.mining.select import inside_longer
from hicra.mining.settings import MineSettings, preset
from hicra.mining.why import explain, to_text

SETTINGS = preset("paper", {"embedder": "hashing", "n_min": 1, "n_max": 3, "min_df": 1, "top_clusters": 1.0})


class ByFirstLetter:
    """One direction for each first letter: grams with the same one have cosine 1, others 0."""

    def describe(self) -> dict[str, object]:
        return {"name": "letters", "dimensions": 26}

    def embed(self, grams: Sequence[str]) -> np.ndarray:
        return np.eye(26, dtype=np.float32)[[ord(gram[0]) - ord("a") for gram in grams]]


def holders_of(texts: Sequence[str]) -> Holders:
    """Counts by looking for whole words in the texts: slow, and right for texts of plain words."""

    def holders(grams: Grams, labels: Ints) -> Ints:
        found = np.zeros(int(labels.max()) + 1, np.int64)
        for label in range(len(found)):
            members = [grams.text[row] for row in np.flatnonzero(labels == label).tolist()]
            found[label] = sum(any(f" {gram} " in f" {text} " for gram in members) for text in texts)
        return found

    return holders


def chosen_from(texts: Sequence[str], options: MineSettings = SETTINGS, wrong: Sequence[str] = ()) -> Chosen:
    tokens = tokenise(texts)
    grams, _ = count_ngrams(tokens, options.n_min, options.n_max, options.min_df)
    contrast = Contrast(holders_of(wrong), len(wrong)) if wrong else None
    return choose(
        grams, holders_of(texts), options, left=tokens.left, right=tokens.right, documents=len(texts),
        contrast=contrast, embedder=ByFirstLetter(),
    )  # fmt: skip


def fate_of(chosen: Chosen, gram: str) -> Fate:
    return Fate(int(chosen.fate[chosen.grams.text.index(gram)]))


def with_(**changes: object) -> MineSettings:
    return SETTINGS.model_copy(update=changes)


def test_formulas_by_hand() -> None:
    assert criteria.mean_per_doc(np.array([2]), np.array([5])).tolist() == [2.5]
    # 10 occurrences over 10 solutions leave a share of 1/e without any: 6.3212 expected, 1 found, log2 of it 2.6602
    assert np.allclose(criteria.residual_idf(np.array([1, 10]), np.array([10, 10]), 10), [2.6602, -0.6617], atol=1e-4)
    # (3.5 / 1.5) / (1.5 / 3.5)
    assert np.allclose(criteria.odds_ratio(np.array([3]), 4, np.array([1]), 4), 49 / 9)
    assert criteria.odds_ratio(np.array([0]), 0, np.array([0]), 0).tolist() == [1.0]


def test_inside_longer_names_the_longer_one() -> None:
    tokens = tokenise(["let us go", "let us go", "we go", "so, wait", "so, wait"])
    grams, _ = count_ngrams(tokens, 1, 3, 1)
    inside = inside_longer(grams, tokens.left, tokens.right)
    named = {grams.text[row]: grams.text[int(inside[row])] for row in np.flatnonzero(inside >= 0).tolist()}
    assert named == {
        "let": "let us", "us": "us go", "let us": "let us go", "us go": "let us go", "we": "we go", "so": "so, wait",
        "wait": "so, wait",
    }  # fmt: skip


@given(
    st.lists(st.lists(st.sampled_from(["a", "i", "so", "we", "so,"]), min_size=1, max_size=8), min_size=1, max_size=6)
)
@settings(max_examples=60, deadline=None)
def test_inside_longer_is_what_a_slow_search_finds(texts: list[list[str]]) -> None:
    tokens = tokenise([" ".join(text) for text in texts])
    grams, _ = count_ngrams(tokens, 1, 4, 1)
    inside = inside_longer(grams, tokens.left, tokens.right)

    def parts(gram: str) -> set[str]:
        words = gram.split(" ")
        return {" ".join([*words[:-2], words[-2].rstrip(",")]), " ".join(words[1:])} if len(words) > 1 else set()

    for row, gram in enumerate(grams.text):
        same = [
            other
            for other, text in enumerate(grams.text)
            if gram in parts(text)
            and (grams.doc_freq[other], grams.occurrences[other]) == (grams.doc_freq[row], grams.occurrences[row])
        ]
        assert inside[row] == max(same, default=-1)


def test_clusters_are_ranked_and_cut() -> None:
    texts = ["we add", "we sum", "now", "now add", "but add"]
    chosen = chosen_from(texts, with_(n_max=1, top_clusters=0.5))
    # by first letter: a = {add} in 3, w = {we} in 2, n = {now} in 2, s = {sum} in 1, b = {but} in 1; half of 5 is 3
    assert chosen.cluster_df.tolist() == [3, 2, 2, 1, 1]
    rows = chosen.table.select("gram", "cluster", "cluster_df", "doc_freq").rows()
    assert rows == [("add", 0, 3, 3), ("now", 1, 2, 2), ("we", 2, 2, 2)]
    assert [fate_of(chosen, gram) for gram in ("but", "sum", "we")] == [Fate.LOW_CLUSTER, Fate.LOW_CLUSTER, Fate.KEPT]
    assert chosen.statistics["clusters"] == 5
    assert chosen.statistics["clusters_kept"] == 3
    assert chosen.statistics["lowest_cluster_df_kept"] == 2
    assert chosen.details["embedder"] == "letters"


def test_cluster_df_counts_a_solution_once() -> None:
    chosen = chosen_from(["apple and", "apple", "and", "bed"], with_(n_max=1))
    assert chosen.table.select("gram", "cluster_df").rows() == [("and", 3), ("apple", 3), ("bed", 1)]


def test_sparse_and_bursty_ones_are_dropped_and_counted() -> None:
    texts = ["go go go go", "so we", "so we", "up"]
    chosen = chosen_from(texts, with_(n_max=1, max_per_doc=2.0))
    assert fate_of(chosen, "go") == Fate.REPEATED
    assert chosen.statistics["ngrams_closed"] - chosen.statistics["ngrams_max_per_doc"] == 1
    chosen = chosen_from(texts, with_(n_max=1, burstiness=1.0))  # 4 (1 - 1/e) = 2.53 solutions expected, 1 found
    assert fate_of(chosen, "go") == Fate.BURSTY
    assert fate_of(chosen, "so") == Fate.KEPT
    assert np.isclose(chosen.values["residual_idf"][chosen.grams.text.index("go")], np.log2(4 * (1 - np.exp(-1))))
    with pytest.raises(DataError, match="no n-gram passes burstiness"):
        chosen_from(["go go go go", "up up up up", "to", "of"], with_(n_min=2, n_max=2, burstiness=0.01))


def test_contrast() -> None:
    right, wrong = ["so we", "so we", "so up", "up"], ["up", "up", "we", "up"]
    chosen = chosen_from(right, with_(n_max=1, contrast=1.0), wrong)
    # so: (3.5/1.5)/(.5/4.5) = 21; we: (2.5/2.5)/(1.5/3.5) = 2.33; up: (2.5/2.5)/(3.5/1.5) = 0.43
    values = dict(zip(chosen.grams.text, chosen.values["odds_ratio"].round(2).tolist(), strict=True))
    assert values == {"so": 21.0, "up": 0.43, "we": 2.33}
    assert chosen.table["gram"].to_list() == ["so", "we"]
    assert fate_of(chosen, "up") == Fate.NO_CONTRAST
    with pytest.raises(DataError, match="contrast needs incorrect solutions"):
        chosen_from(right, with_(contrast=1.0))


def test_rare_members_join_the_nearest_cluster() -> None:
    texts = ["we we", "we add", "we add", "now", "add", "wide", "x1 odd"]
    one = with_(n_max=1, max_embedded=2, closed=False)
    assert chosen_from(texts, one).table["gram"].to_list() == ["add", "we"]
    chosen = chosen_from(texts, one.model_copy(update={"rare_join": 0.9}))
    assert chosen.table.select("gram", "cluster_df").rows() == [("add", 3), ("we", 4), ("wide", 4)]
    assert chosen.joined[chosen.grams.text.index("wide")]
    assert fate_of(chosen, "now") == Fate.PAST_CUT
    assert (chosen.statistics["rare_tried"], chosen.statistics["rare_joined"]) == (3, 1)
    few = chosen_from(texts, one.model_copy(update={"rare_join": 0.9, "max_joined": 1}))  # "now" is first by text
    assert (few.statistics["rare_tried"], few.statistics["rare_joined"]) == (1, 0)


def test_join_threshold_and_ties() -> None:
    class Two:
        def describe(self) -> dict[str, object]:
            return {"name": "two"}

        def embed(self, grams: Sequence[str]) -> np.ndarray:
            return np.array([[0.6, 0.8], [np.sqrt(0.5), np.sqrt(0.5)]], np.float32)

    vectors = np.array([[1, 0], [0, 1], [0, 1]], np.float32)
    assert join(vectors, np.array([0, 1, NOISE]), Two(), ["a", "b"], 0.8).tolist() == [1, NOISE]
    assert join(vectors, np.array([0, 1, 1]), Two(), ["a", "b"], 0.7).tolist() == [1, 0]
    assert join(vectors, np.array([0, 1, 1]), Two(), [], 0.7).tolist() == []


def test_hdbscan_noise_is_counted_and_explained() -> None:
    rng = np.random.default_rng(0)
    near = np.concatenate([np.eye(8)[0] + rng.normal(0, 0.01, (20, 8)), np.eye(8)[1] + rng.normal(0, 0.01, (20, 8))])
    points = np.concatenate([near, [np.eye(8)[7]]]).astype(np.float32)
    labels = Hdbscan().labels(points, 5, 0)
    assert labels[:20].tolist() == [labels[0]] * 20
    assert labels[20:40].tolist() == [labels[20]] * 20
    assert labels[0] != labels[20]
    assert labels[40] == NOISE
    assert (Hdbscan().labels(points, 5, 3) == labels).all()
    with pytest.raises(DataError, match="calls all 3 n-grams noise"):
        chosen_from(["we so up"], with_(n_max=1, clusterer="hdbscan", closed=False))
    with pytest.raises(ConfigError, match="k 4 means nothing"):
        chosen_from(["we"], with_(clusterer="hdbscan", k=4))


def test_agglomerative_and_its_limit() -> None:
    points = np.array([[1, 0], [0.99, 0.14], [0, 1], [0.14, 0.99], [1, 0]], np.float32)
    labels = Agglomerative().labels(points, 2, 0)
    assert labels[0] == labels[1] == labels[4] != labels[2] == labels[3]
    assert isinstance(get_clusterer("agglomerative", embedded=5000), Agglomerative)
    with pytest.raises(ConfigError, match="at most 5000 n-grams, and max_embedded is 5001(.|\n)*minibatch_kmeans"):
        get_clusterer("agglomerative", embedded=5001)
    with pytest.raises(ConfigError, match="no clusterer 'hdbscam'(.|\n)*'hdbscan'"):
        get_clusterer("hdbscam")


def test_why_for_every_stage() -> None:
    texts = [
        "so let us go on",
        "so let us go up",
        "we add we add we add",
        "rare one 7",
        "odd bit here",
        "now now",
        "now we",
    ]
    options = with_(n_min=1, n_max=4, min_df=2, top_clusters=0.5, max_embedded=2)
    chosen = chosen_from(texts, options)
    solutions = [(text, None) for text in texts]
    asked = [
        "let us. go", "So let us go,", "rare one 7", "let us", "zzz", "rare one", "so let us go on up", "now", "we", "x",
    ]  # fmt: skip
    whys = {why.asked: why for why in explain(asked, chosen, options, solutions)}
    stages = {asked: why.stage for asked, why in whys.items()}
    assert stages == {
        "let us. go": "not_an_ngram", "So let us go,": "kept" if whys["So let us go,"].kept else "top_clusters",
        "rare one 7": "not_an_ngram", "let us": "closed", "zzz": "not_found", "rare one": "min_df",
        "so let us go on up": "length", "now": "kept" if whys["now"].kept else "top_clusters", "we": "max_embedded",
        "x": "not_an_ngram",
    }  # fmt: skip
    assert whys["So let us go,"].gram == "so let us go"
    assert whys["let us"].values["inside"] == "so let us"
    assert whys["rare one"].values == {"doc_freq": 1, "questions": 1, "occurrences": 1}
    assert whys["we"].values["rank"] == 3
    assert "rank 3 of 3; the first 2 are embedded" in whys["we"].reason
    text = to_text(list(whys.values()))
    assert "'let us. go': dropped. It crosses the end of a clause" in text
    assert sum(why.kept for why in whys.values()) == 1
    assert whys["zzz"].to_json()["stage"] == "not_found"


def test_why_for_one_question_and_criteria() -> None:
    texts = ["the old red barn", "the old red barn too", "so we go", "so we go on"]
    options = with_(n_min=3, n_max=3, min_df=2, max_per_doc=1.0)
    tokens = tokenise(texts)
    grams, _ = count_ngrams(tokens, 3, 3, 2, np.array([0, 0, 1, 2]), 2)
    chosen = choose(
        grams, holders_of(texts), options, left=tokens.left, right=tokens.right, documents=4, embedder=ByFirstLetter()
    )
    solutions = list(zip(texts, ["q0", "q0", "q1", "q2"], strict=True))
    barn, kept = explain(["the old red", "so we go"], chosen, options, solutions)
    assert (barn.stage, barn.values["questions"]) == ("one_question", 1)
    assert kept.kept
    assert kept.values["mean_per_doc"] == 1.0
    assert "in 2, rank 1 of 1, and the first 1 are kept" in kept.reason
