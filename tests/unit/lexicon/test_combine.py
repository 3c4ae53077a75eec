"""Merging, filtering, showing and checking lexicons; duplicates, junk, and 100,000 grams."""

from __future__ import annotations

import gzip
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hicra import Lexicon, Tagger
from hicra.cli.show_lexicon import show
from hicra.errors import ConfigError, DataError
from hicra.lexicon.check import duplicates_warning, unmatchable, unmatchable_warning, unspellable, warnings_of
from hicra.lexicon.combine import merge, select
from tokenizers_made import byte_level, wordpiece

COLUMNS = ["gram", "cluster", "cluster_df", "doc_freq", "mean_per_doc", "weight"]


def lexicon(*rows: tuple[object, ...], name: str = "l", threshold: float | None = None, **more: object) -> Lexicon:
    table = pl.DataFrame([dict(zip(COLUMNS, row, strict=False)) for row in rows])
    return Lexicon.from_table(table, name=name, threshold=threshold, **more)  # type: ignore[arg-type]


MINED = lexicon(
    ("let us go", 0, 9, 7, 1.0), ("let us try", 0, 9, 5, 1.5), ("so we add", 1, 4, 4, 2.0), ("that works", 1, 4, 1, 1.0),
    name="mined", source=["b"], licence="MIT",
)  # fmt: skip


# ---- merge and filter
def test_merge_keeps_what_agrees() -> None:
    other = lexicon(
        ("let us go", 3, 8, 7, 2.0), ("and so", 3, 8, 2, 1.0), name="other", source=["a", "b"], licence="CC0"
    )
    merged = merge([MINED, other])
    rows = {row[0]: row[1:] for row in merged.table.select(*COLUMNS).rows()}
    assert rows == {
        "and so": (None, None, 2, 1.0, None),
        "let us go": (None, None, 7, None, None),  # in 7 solutions in both, but not as often in each
        "let us try": (None, None, 5, 1.5, None),
        "so we add": (None, None, 4, 2.0, None),
        "that works": (None, None, 1, 1.0, None),
    }
    assert merged.meta["source"] == ["a", "b"]
    assert merged.meta["licence"] == "CC0; MIT"
    assert [row["grams"] for row in merged.meta["settings"]["merged"]] in ([4, 2], [2, 4])
    assert merge([other, MINED]).meta == merged.meta
    assert merge([MINED, MINED], "again").table.equals(MINED.table)
    assert (len(MINED), MINED.clusters) == (4, 2)


def test_merge_refuses_what_has_no_meaning() -> None:
    heavy = lexicon(("so", None, None, None, None, 1.0), name="heavy", threshold=0.5)
    other = lexicon(("wait", None, None, None, None, 2.0), name="other", threshold=0.5)
    assert merge([heavy, other]).table["weight"].to_list() == [1.0, 2.0]
    assert merge([heavy, other]).threshold == 0.5
    with pytest.raises(DataError, match=r"thresholds do not merge: 'heavy' has 0.5, 'mined' has no weights"):
        merge([heavy, MINED])
    with pytest.raises(DataError, match="'so' has two weights"):
        merge([heavy, lexicon(("so", None, None, None, None, 2.0), threshold=0.5)])
    with pytest.raises(DataError, match="only some have weights"):
        merge([MINED, lexicon(("wait", None, None, None, None, 2.0))])
    with pytest.raises(DataError, match="no lexicon to merge"):
        merge([])


WORDS = st.lists(st.sampled_from(["so", "we", "go on", "let us", "wait"]), min_size=1, max_size=4)


@given(st.lists(WORDS, min_size=1, max_size=4), st.randoms())
@settings(max_examples=40, deadline=None)
def test_merge_is_a_union_in_any_order(lists: list[list[str]], random: object) -> None:
    lexicons = [Lexicon.from_phrases(phrases) for phrases in lists]
    merged = merge(lexicons)
    assert merged.phrases == sorted({phrase for phrases in lists for phrase in phrases})
    random.shuffle(lexicons)  # type: ignore[attr-defined]
    assert merge(lexicons).content_hash == merged.content_hash


def test_select_by_words_and_frequency() -> None:
    assert select(MINED, n_min=3).phrases == ["let us go", "let us try", "so we add"]
    assert select(MINED, n_max=2).phrases == ["that works"]
    short = select(MINED, n_min=3, min_df=5, name="short")
    assert (short.phrases, short.name) == (["let us go", "let us try"], "short")
    assert short.table.row(0) == MINED.table.row(0)
    assert short.meta["settings"]["filtered"] == {"n_min": 3, "min_df": 5, "from": MINED.content_hash}
    assert "filtered" not in MINED.meta["settings"]
    with pytest.raises(DataError, match="is left: its grams have 2 to 3 words, in at most 7 solutions"):
        select(MINED, min_df=8)
    with pytest.raises(ConfigError, match="no document frequency for 1 of 1 grams, such as 'so'"):
        select(Lexicon.from_phrases(["so"]), min_df=1)
    with pytest.raises(ConfigError, match="larger than n_max"):
        select(MINED, n_min=3, n_max=2)


# ---- show
TEXTS = [
    "Well, let us try this: 1 + 1 = 2. " + "x" * 80 + " So we add both sides, and let us go",
    "Let us go. Let us try.\x1b[31m",
    "now so we add one",
]


def test_show_prints_clusters_and_two_examples_each() -> None:
    result, text = show(MINED, 10, TEXTS)
    assert text.split("\n") == [
        f"mined: 4 grams in 2 clusters, sha256 {MINED.content_hash}",
        "licence: MIT",
        "cluster 0: in 9 solutions, 2 grams",
        "  let us go (7) | let us try (5)",
        "    Well, [[let us try]] this: 1 + 1 = 2....",
        "    [[Let us go]]. Let us try. [31m",
        "cluster 1: in 4 solutions, 2 grams",
        "  so we add (4) | that works (1)",
        f"    ...{'x' * 49} [[So we add]] both sides, and let us go",
        "    now [[so we add]] one",
    ]
    assert result["clusters"] == 2
    assert [len(group["examples"]) for group in result["shown"]] == [2, 2]
    assert result["shown"][0]["grams"][0] == {"gram": "let us go", "doc_freq": 7, "weight": None}


def test_show_is_cut_and_says_so() -> None:
    text = show(MINED, 2)[1]
    assert "+" not in text
    assert text.endswith("... and 2 more (--most 4)")
    many = lexicon(*[(f"gram {chr(97 + i)}", 0, 9, 9, 1.0) for i in range(20)], ("so", 1, 2, 2, 1.0))
    text = show(many, 6)[1]
    assert "gram c (9) | +17 more" in text
    assert "cluster 1: in 2 solutions, 1 gram\n  so (2)" in text
    assert "(in none of the texts given)" in show(many, 6, ["nothing here"])[1]


def test_what_is_equally_frequent_is_shown_by_number_and_by_letter() -> None:
    equal = lexicon(("gram c", 1, 5, 5, 1.0), ("gram b", 0, 5, 5, 1.0), ("gram a", 0, 5, 5, 1.0))
    assert show(equal, 9)[1].split("\n")[-4:] == [
        "cluster 0: in 5 solutions, 2 grams", "  gram a (5) | gram b (5)",
        "cluster 1: in 5 solutions, 1 gram", "  gram c (5)",
    ]  # fmt: skip


def test_show_without_clusters_goes_by_weight() -> None:
    weighted = lexicon(
        ("so", None, None, None, None, -0.5), ("wait", None, None, None, None, 2.0), ("hmm", None, None, None, None, 1.0),
        threshold=0.1,
    )  # fmt: skip
    lines = show(weighted, 10, ["wait and wait", "hmm wait"])[1].split("\n")
    assert lines[1:] == [
        "  wait +2", "    [[wait]] and wait", "    hmm [[wait]]", "  hmm +1", "    [[hmm]] wait", "  so -0.5",
        "    (in none of the texts given)",
    ]  # fmt: skip


# ---- what can never match
def test_unmatchable_by_name() -> None:
    phrases = ["wait. so", "is it true? no", "so: we", "e.g. this", "wait.", "true?", "3.5 apples", "so we", ". and"]
    listed = Lexicon.from_phrases(phrases, name="mine")
    assert unmatchable(listed, "sentence") == [". and", "e.g. this", "is it true? no", "so: we", "wait. so"]
    assert unmatchable(listed, "gram") == []
    assert unmatchable_warning(listed, "gram") is None
    warning = unmatchable_warning(listed, "sentence", most=2)
    assert warning is not None
    assert "5 of 9 grams of lexicon 'mine' cross a sentence end" in warning
    assert warning.endswith("'. and', 'e.g. this' and 3 more")
    with pytest.raises(ConfigError, match="'sentence'"):
        unmatchable(listed, "sentense")


TRICKY = st.text(
    st.sampled_from("aé_7 .?!:,'\u0301\u0300\u4e2d\u200b\u2019\u00a0\u1e9e\U0001f642-#"), min_size=1, max_size=6
)


@given(st.lists(TRICKY, min_size=1, max_size=5), st.sampled_from(["gram", "sentence"]))
@settings(max_examples=200, deadline=None)
@pytest.mark.slow
def test_unmatchable_is_what_does_not_match_itself(phrases: list[str], unit: str) -> None:
    phrases = [phrase for phrase in phrases if phrase.strip(" \u00a0")]
    if not phrases:
        return
    listed = Lexicon.from_phrases(phrases)
    never = set(unmatchable(listed, unit))
    for gram in listed.phrases:
        alone = Tagger(Lexicon.from_phrases([gram]), unit=unit)
        assert bool(alone.spans(gram)) == (gram not in never)
        if gram in never:
            assert not alone.spans(f"so {gram} so\n{gram}. {gram}")


# ---- duplicates, junk, size
def test_duplicate_phrases_are_counted(tmp_path: Path) -> None:
    listed = Lexicon.from_phrases(["So we", "so  WE", "wait", "so we"], name="twice")
    assert listed.duplicates == {"so we": 3}
    assert listed.phrases == ["so we", "wait"]
    assert duplicates_warning(listed) == (
        "1 gram of lexicon 'twice' is given more than once and counts once: 'so we' (3 times)"
    )
    path = tmp_path / "list.txt"
    path.write_text("wait\nWAIT\nso\n")
    assert Lexicon.load(path).duplicates == {"wait": 2}
    assert duplicates_warning(Lexicon.load("paper")) is None
    saved = Lexicon.load(listed.save(tmp_path / "saved"))
    assert (saved.duplicates, saved.content_hash) == ({}, listed.content_hash)


@pytest.mark.parametrize(
    "data", [b"so\nwe\x00can\n", b"PAR1\x15\x04\x15\x10", gzip.compress(b"so we", mtime=0), bytes(range(256))]
)
def test_binary_junk_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "junk.txt"
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"line \d+ holds the control character U\+00(.|\n)*one phrase a line"):
        Lexicon.load(path)


def test_undecodable_phrases_are_refused() -> None:
    with pytest.raises(DataError, match="phrase 1 of lexicon 'phrases' is no text"):
        Lexicon.from_phrases(["so", "we\udcff"])


@pytest.mark.slow
def test_100_000_grams_load_and_save(tmp_path: Path) -> None:
    phrases = [f"word{i % 317} and word{i}" for i in range(100_000)]
    listed = Lexicon.from_phrases(phrases)
    loaded = Lexicon.load(listed.save(tmp_path / "many"))
    path = tmp_path / "many.txt"
    path.write_text("\n".join(phrases))
    assert len(loaded) == len(Lexicon.load(path)) == 100_000
    assert loaded.content_hash == listed.content_hash


def test_grams_that_a_tokenizer_cannot_spell_are_named():
    lexicon = Lexicon.from_phrases(["the caf\u00e9", "so we"])
    assert unspellable(lexicon, byte_level()) == []  # it has all 256 bytes
    ascii_only = wordpiece(["wait so we can use the cafe"])
    assert unspellable(lexicon, ascii_only) == ["the caf\u00e9"]
    (warning,) = warnings_of(lexicon, "gram", ascii_only)
    assert "the caf\u00e9" in warning
    assert warnings_of(lexicon, "gram") == []
    (warning,) = warnings_of(Lexicon.load("planning"), "gram")
    assert "--unit sentence" in warning
