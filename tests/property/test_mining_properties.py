"""Counting against a plain Python count, and invariance to the order of solutions."""

from __future__ import annotations

import itertools
import random
import re
from collections import Counter

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hicra.lexicon import Lexicon
from hicra.mining.counting import local as backend
from hicra.mining.counting.documents import resolve
from hicra.mining.counting.ngrams import CountRule, count_ngrams
from hicra.mining.counting.words import Chunk, split_words, tokenise, word_edges
from hicra.tagging.tagger import Tagger
from hicra.text.fold import fold

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
    "等等",
    "再so,",
    "re-do",
]
solutions = st.lists(st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join), min_size=1, max_size=6)


def length(gram: str) -> int:
    """Words of the tagging rule in texts of these pieces."""
    return len(re.findall(r"[a-zé]+(?:'[a-z]+)*|[等再]", gram))


def slow_count(texts: list[str], n: int, n_max: int | None = None) -> tuple[Counter[str], Counter[str]]:
    """Document frequency and occurrences of n-grams that are n words long, one window at a time.

    A window holds at most one raw word more than the longest n that is asked for (`n_max`, by default n): a raw word without a
    letter, such as a sign between spaces, has no length.
    """
    frequency: Counter[str] = Counter()
    occurrences: Counter[str] = Counter()
    for text in texts:
        words = [fold(word) for word in split_words(text)]
        here: Counter[str] = Counter()
        for start, stop in itertools.combinations(range(len(words) + 1), 2):
            window = words[start:stop]
            edges = [word_edges(word) for word in window]
            if None in edges or stop - start > (n_max or n) + 1:
                continue
            window[0] = edges[0][0]  # type: ignore[index]
            window[-1] = word_edges(window[-1])[1]  # type: ignore[index]
            gram = " ".join(window).replace(" \x01", "").replace("\x01", "")
            if length(gram) == n:
                here[gram] += 1
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
    largest = max(frequency.values(), default=0)
    assert counts == {"ngrams": len(frequency), "min_df": len(expected), "max_df": largest, "over_limit": 0}


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


def held_in(texts: list[str], low: int, high: int) -> list[set[str]]:
    """The n-grams that each solution holds."""
    return [set().union(*(slow_count([text], n, high)[0] for n in range(low, high + 1))) for text in texts]


@example(["## ## 等等"], random.Random(0), 1, 0, False)  # four raw words, of which two have a letter
@given(
    texts=solutions,
    order=st.randoms(use_true_random=False),
    blocks=st.integers(1, 20),
    memory=st.sampled_from([0, 100, 10**6]),
    by_group=st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_any_cut_of_the_corpus_counts_as_a_plain_count(
    texts: list[str], order: object, blocks: int, memory: int, by_group: bool
) -> None:
    rows = [(text, f"q{len(text) % 3}" if len(text) % 4 else None) for text in [*texts, *texts[:2]]]
    asked = dict(rows)
    distinct = sorted(asked)
    units = [asked[text] or text for text in distinct] if by_group else distinct
    inside = held_in(distinct, 2, 3)
    frequency = {
        gram: len({u for u, h in zip(units, inside, strict=True) if gram in h}) for gram in set().union(*inside)
    }
    order.shuffle(rows)  # type: ignore[attr-defined]
    before = backend.BLOCK_IDS, backend.PART_IDS
    backend.BLOCK_IDS, backend.PART_IDS = blocks, 3 * blocks
    try:
        with backend.LocalBackend(memory=memory) as held:
            loaded = held.load([Chunk([text], [question]) for text, question in rows])
            grams, counts = held.count(CountRule(2, 3, 1, by_group))
            labels = np.arange(len(grams.text)) % 3 - (len(grams.text) > 5)
            clusters = held.holders(grams, labels).tolist()
    finally:
        backend.BLOCK_IDS, backend.PART_IDS = before
    assert loaded.mined.documents.counted == len(distinct)
    assert counts["ngrams"] == len(frequency)
    assert dict(zip(grams.text, grams.doc_freq.tolist(), strict=True)) == frequency
    members = [
        {g for g, label in zip(grams.text, labels, strict=True) if label == c}
        for c in range(max(labels, default=-1) + 1)
    ]
    assert clusters == [len({u for u, h in zip(units, inside, strict=True) if h & m}) for m in members]


@given(
    rows=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 2)), max_size=12),
    order=st.randoms(use_true_random=False),
    near=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_which_solutions_count_does_not_depend_on_their_order(
    rows: list[tuple[int, int, int]], order: object, near: bool
) -> None:
    def chosen(rows: list[tuple[int, int, int]]) -> tuple[object, ...]:
        text = np.array([(1, t) for t, _, _ in rows], np.uint64).reshape(-1, 2)
        asked = np.array([(0, q) for _, q, _ in rows], np.uint64).reshape(-1, 2)  # (0, 0): not known
        alike = np.array([(2, t % 2) for t, _, _ in rows], np.uint64).reshape(-1, 2)
        found = resolve(text, asked, alike if near else None)
        kept = np.flatnonzero(found.kept).tolist()
        parts: dict[int, list[int]] = {}
        for row in kept:
            parts.setdefault(int(found.group[row]), []).append(rows[row][0])
        together = sorted(sorted(part) for part in parts.values())
        return found.distinct, found.counted, found.questions, found.groups, together

    mixed = list(rows)
    order.shuffle(mixed)  # type: ignore[attr-defined]
    assert chosen(rows) == chosen(mixed)
    distinct, counted, questions, groups, together = chosen(rows)
    assert distinct == len({t for t, _, _ in rows})
    assert counted == (len({t % 2 for t, _, _ in rows}) if near else distinct)
    assert groups == len(together) >= questions  # type: ignore[arg-type]
