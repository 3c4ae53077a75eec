"""The baselines of the tagging benchmark do what is said of them: no straw men.

The exact ones agree with the slow reference on made texts; the peers' rules find and miss what their descriptions say.
"""

from __future__ import annotations

import random

import numpy as np
import pytest

pytest.importorskip("tokenizers")

import tagging_baselines as exact
import tagging_peers as peers
from reference_tagger import mask as slow_mask
from tagging_grams import planning_like, ranked_ngrams
from tokenizers_made import TEXT, byte_level, pieces

GRAMS = ["let me check", "so we can use", "so", "we can", "let's try another", "wait", "hmm, that", "你好", "café"]


@pytest.fixture(scope="module")
def tokenizer():
    return byte_level([*TEXT, *["I wait, and you wait, and so we wait."] * 5])  # " wait" is one token


@pytest.fixture(scope="module")
def table(tokenizer):
    found = pieces(tokenizer, "byte-level")
    return [found[i] for i in range(len(found))]


def batch(tokenizer, texts):
    rows = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
    live = np.arange(max(map(len, rows))) < np.array([len(row) for row in rows])[:, None]
    ids = np.zeros(live.shape, np.int64)
    for index, row in enumerate(rows):
        ids[index, : len(row)] = row
    return ids, live


def slow(table, ids, live, grams):
    return np.array([slow_mask([table[i] for i in row], here, grams) for row, here in zip(ids, live, strict=True)])


def words(table, ids, mask):
    """The text that a mask marks in the first row."""
    return b"".join(table[i] for i, on in zip(ids[0], mask[0], strict=True) if on).decode()


TEXTS = [
    *TEXT,
    "Wait,  let\nme check; so also we can. So we can use it, so2, \u00e9so, so_ SO WE CAN USE\u00a0\u00a0it",
    "LET\u2019S\u3000try another \u4f60so \u4f60\u597d, caf\u00e9, CAF\u00c9, cafe\u0301, caf\u00e9\u0301, \u0130so",
    "\u212aso, \u00b2so, so\u00b2, \u2160so \U0001f914so\U0001f914, so\u0301, (\u0301so) so!\u0301",
    "waiting wait",
    "你好so 你好\u0301 你so你好吗 你\u0301so，so好",
]


@pytest.mark.parametrize("baseline", exact.EXACT, ids=lambda baseline: baseline.name)
def test_the_exact_ones_agree_with_the_reference(baseline, tokenizer, table):
    if not exact.installed(baseline):
        pytest.skip(f"{baseline.engine} is not installed")
    ids, live = batch(tokenizer, TEXTS)
    expected = slow(table, ids, live, GRAMS)
    assert 0 < expected.sum() < live.sum()
    assert (baseline(GRAMS, table, tokenizer).find(ids, live) == expected).all()


@pytest.mark.parametrize("baseline", exact.EXACT, ids=lambda baseline: baseline.name)
def test_the_exact_ones_agree_on_random_tokens(baseline, tokenizer, table):
    if not exact.installed(baseline):
        pytest.skip(f"{baseline.engine} is not installed")
    draw = random.Random(0)
    bits = ["so", " ", "we", "can", "\n", "use", "let", "'", "s", "me", "check", ",", "So", "hmm, that", "1", "é"]
    texts = ["".join(draw.choice(bits) for _ in range(60)) for _ in range(20)]
    ids, live = batch(tokenizer, texts)
    tagger = baseline(GRAMS, table, tokenizer)
    assert (tagger.find(ids, live) == slow(table, ids, live, GRAMS)).all()
    assert (tagger.find(ids[:3], live[:3]) == tagger.find(ids, live)[:3]).all()


def test_id_windows_match_at_the_start_only(tokenizer, table):
    """The gram is encoded as typed, so it is found where the text starts with it, and nowhere else."""
    tagger = peers.IdWindows(["so we can use"], table, tokenizer)
    start, inside = batch(tokenizer, ["so we can use"]), batch(tokenizer, ["And so we can use"])
    assert words(table, start[0], tagger.find(*start)) == "so we can use"
    assert not tagger.find(*inside).any()
    capital = batch(tokenizer, ["So we can use"])
    assert not tagger.find(*capital).any()


@pytest.mark.parametrize("rule", [peers.WindowRegex, peers.WindowRegexByGram])
def test_window_regexes_mark_what_stands_before(rule, tokenizer, table):
    """A window that grows until it holds the gram marks up to four tokens before it."""
    ids, live = batch(tokenizer, ["So we can use the fact, but wait"])
    tagger = rule(["wait"], table, tokenizer)
    marked = words(table, ids, tagger.find(ids, live))
    assert marked.endswith(" wait")
    assert len(marked) > len(" wait")
    assert tagger.find(ids, live).sum() <= 5


@pytest.mark.parametrize("rule", [peers.WindowRegex, peers.WindowRegexByGram])
def test_window_regexes_miss_contractions(rule, tokenizer, table):
    """Fragments are joined by spaces: "let 's" is not "let's"."""
    ids, live = batch(tokenizer, ["but let's verify", "but let\nme check"])
    assert len(tokenizer.encode("let's", add_special_tokens=False).ids) > 1
    assert not rule(["let's verify", "let me check"], table, tokenizer).find(ids, live).any()


def test_the_two_window_regexes_agree(tokenizer, table):
    ids, live = batch(tokenizer, TEXTS)
    one = peers.WindowRegex(GRAMS, table, tokenizer).find(ids, live)
    assert one.any()
    assert (one == peers.WindowRegexByGram(GRAMS, table, tokenizer).find(ids, live)).all()


def test_the_whole_sequence_is_marked(tokenizer, table):
    ids, live = batch(tokenizer, ["A long answer. Waiting, it is 12.", "Nothing here."])
    mask = peers.WholeSequence(["wait"], table, tokenizer).find(ids, live)
    assert (mask[0] == live[0]).all()
    assert not mask[1].any()


def test_token_ids_know_four_spellings(tokenizer, table):
    if not exact.installed(exact.IdMatcher):
        pytest.skip("daachorse is not installed")
    tagger = exact.IdMatcher(["so we can use"], table, tokenizer)
    for text, found in [
        ("so we can use", True), ("So we can use", True), ("x so we can use", True), ("x So we can use", True),
        ("so We can use", False), ("so we\ncan use", False),
    ]:  # fmt: skip
        ids, live = batch(tokenizer, [text])
        assert tagger.find(ids, live).any() == found, text


def test_grams_are_ranked_by_documents():
    texts = ["let me check it. let me check it. let me check", "Let me check, x = 2", "so we can go, so we can go"]
    ranked = ranked_ngrams(texts, min_df=1)
    assert ranked[0] == "let me check"
    assert "check it let" not in ranked
    assert planning_like("let me check")
    assert not planning_like("the sum of")
