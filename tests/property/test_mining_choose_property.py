"""Invariants of choosing, over random small corpora and settings."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from hicra.errors import DataError
from hicra.mining.choose import Fate
from hicra.mining.mine import mine
from hicra.mining.settings import MineSettings
from hicra.mining.why import explain

WORD = st.sampled_from(["so", "we", "let", "us", "go", "wait,", "now", "try", "a", "7", "that."])
TEXTS = st.lists(st.lists(WORD, min_size=1, max_size=14).map(" ".join), min_size=2, max_size=12)
OPTIONS = st.fixed_dictionaries(
    {
        "n_min": st.integers(1, 3),
        "closed": st.booleans(),
        "top_clusters": st.sampled_from([0.2, 0.5, 1.0]),
        "clusterer": st.sampled_from(["minibatch_kmeans", "agglomerative"]),
        "max_embedded": st.sampled_from([3, 5_000]),
        "rare_join": st.sampled_from([None, 0.3]),
        "burstiness": st.sampled_from([None, 0.2]),
        "max_per_doc": st.sampled_from([None, 1.5]),
        "k": st.sampled_from([None, 2]),
    }
)


@given(TEXTS, OPTIONS)
@settings(max_examples=60, deadline=None)
def test_stages_account_for_every_ngram(texts: list[str], options: dict[str, object]) -> None:
    asked = MineSettings(embedder="hashing", **options)  # type: ignore[arg-type]
    try:
        result = mine(texts, asked)
    except DataError:
        return
    chosen, table, found = result.chosen, result.table, result.statistics
    grams = table["gram"].to_list()
    assert (
        grams
        == sorted(set(grams))
        == [text for text, fate in zip(chosen.grams.text, chosen.fate, strict=True) if fate == Fate.KEPT]
    )
    pairs = sorted(set(table.select("cluster", "cluster_df").rows()))
    assert [cluster for cluster, _ in pairs] == list(range(len(pairs))) == list(range(found["clusters_kept"]))
    assert [frequency for _, frequency in pairs] == sorted((frequency for _, frequency in pairs), reverse=True)
    assert (table["cluster_df"] >= table["doc_freq"]).all()
    assert (table["cluster_df"] <= found["solutions"]).all()
    assert (table["mean_per_doc"] >= 1).all()
    clustered = int((chosen.cluster >= 0).sum())
    assert clustered == found["embedded"] - found["noise"] + found.get("rare_joined", 0)
    assert len(chosen.grams.text) - found["ngrams_closed"] == int((chosen.fate == Fate.INSIDE_LONGER).sum())
    for why in explain(chosen.grams.text, chosen, asked, []):
        assert why.kept == (why.gram in grams)
