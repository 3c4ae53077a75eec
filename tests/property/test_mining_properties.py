"""Counting against a plain Python count, and invariance to the order of solutions."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hicra.lexicon import Lexicon
from hicra.mining.ngrams import count_ngrams
from hicra.mining.pipeline import distinct_solutions
from hicra.mining.select import cluster_df
from hicra.mining.words import split_words, tokenise, word_edges
from hicra.tagger import Tagger
from hicra.text import fold

PIECES = [
    "let",
    "us",
    "try,",
    "Wait",
    "true?",
    "(so",
    "7",
    "x",
    ". ",
    "; ",
    "\n",
    "$a b$ ",
    "let’s",
    "—",
    "##",
    "end.",
    "É",
]
solutions = st.lists(st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join), min_size=1, max_size=6)


def slow_count(texts: list[str], n: int) -> tuple[Counter[str], Counter[str]]:
    """Document frequency and occurrences, one window at a time."""
    frequency: Counter[str] = Counter()
    occurrences: Counter[str] = Counter()
    for text in texts:
        words = [fold(word) for word in split_words(text)]
        here: Counter[str] = Counter()
        for start in range(len(words) - n + 1):
            window = words[start : start + n]
            edges = [word_edges(word) for word in window]
            if None in edges:
                continue
            window[0] = edges[0][0]  # type: ignore[index]
            window[-1] = word_edges(window[-1])[1]  # type: ignore[index]
            here[" ".join(window)] += 1
        frequency.update(here.keys())
        occurrences.update(here)
    return frequency, occurrences


@given(texts=solutions, n=st.integers(1, 4), min_df=st.integers(1, 2))
@settings(max_examples=150, deadline=None)
def test_counts_equal_a_plain_count(texts: list[str], n: int, min_df: int) -> None:
    frequency, occurrences = slow_count(texts, n)
    grams, counts = count_ngrams(tokenise(texts), n, n, min_df)
    expected = {gram: (df, occurrences[gram]) for gram, df in frequency.items() if df >= min_df}
    got = zip(grams.text, grams.doc_freq.tolist(), grams.occurrences.tolist(), strict=True)
    assert {gram: (df, occ) for gram, df, occ in got} == expected
    assert grams.text == sorted(expected)
    assert counts == {"ngrams": len(frequency), "min_df": len(expected), "max_df": max(frequency.values(), default=0)}


@given(texts=solutions)
@settings(max_examples=100, deadline=None)
def test_mined_grams_are_in_folded_form_and_the_tagger_finds_them(texts: list[str]) -> None:
    grams, _ = count_ngrams(tokenise(texts), 1, 4, 1)
    if grams.text:
        lexicon = Lexicon.from_phrases(grams.text)
        assert lexicon.phrases == grams.text
        tagger = Tagger(lexicon)
        found = {gram for text in texts for _, _, gram in tagger.spans(text)}
        assert found == set(grams.text)


@given(texts=solutions, seed=st.integers(0, 3))
@settings(max_examples=50, deadline=None)
def test_cluster_df_is_a_count_of_distinct_solutions(texts: list[str], seed: int) -> None:
    tokens = tokenise(texts)
    grams, _ = count_ngrams(tokens, 2, 3, 1)
    if not grams.text:
        return
    labels = np.random.default_rng(seed).integers(0, 3, len(grams.text))
    members = [
        {gram for gram, label in zip(grams.text, labels, strict=True) if label == c}
        for c in range(int(labels.max()) + 1)
    ]
    held = [set(slow_count([text], 2)[0]) | set(slow_count([text], 3)[0]) for text in texts]
    assert cluster_df(tokens, grams, labels).tolist() == [sum(bool(m & h) for h in held) for m in members]


@given(texts=solutions, order=st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_order_of_solutions_never_matters(texts: list[str], order: object) -> None:
    pairs = [(text, f"q{len(text) % 3}" if len(text) % 4 else None) for text in [*texts, *texts[:2]]]
    mixed = list(pairs)
    order.shuffle(mixed)  # type: ignore[attr-defined]
    one, two = (distinct_solutions([t for t, _ in p], [q for _, q in p]) for p in (pairs, mixed))
    assert one[0] == two[0]
    assert one[1].tolist() == two[1].tolist()
    assert one[2] == two[2]
