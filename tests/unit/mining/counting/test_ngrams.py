"""Words, split points and counts, against hand-worked numbers."""

from __future__ import annotations

import numpy as np
import pytest

from hicra.arrays import Ints
from hicra.mining.counting import ngrams
from hicra.mining.counting.ngrams import (
    CountRule,
    Grams,
    block_holders,
    block_records,
    codes_of,
    count_ngrams,
    merge_records,
)
from hicra.mining.counting.words import (
    Chunk,
    Encoder,
    Tokens,
    WordVocabulary,
    core,
    cut_formulas,
    fold_word,
    split_words,
    tokenise,
    word_edges,
)
from hicra.mining.select import inside_longer, most_frequent, rank_clusters, top_clusters
from hicra.text.fold import fold


def segments(text: str) -> list[str]:
    """The runs of words that n-grams may be taken from."""
    tokens = tokenise([text])
    runs: list[list[str]] = [[]]
    for number in tokens.ids.tolist():
        if number:
            runs[-1].append(tokens.words[number])
        else:
            runs.append([])
    return [" ".join(run) for run in runs if run]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Wait,  but Let’s\u00a0try", ["wait, but let's try"]),
        ("we add. Then we stop", ["we add.", "then we stop"]),  # the dot before white space ends the clause
        ("does it hold true? yes", ["does it hold true?", "yes"]),
        ("first: so\nnext\u2028last", ["first", "so", "next", "last"]),
        ("that fails ; switch the plan", ["that fails", "switch the plan"]),
        ("we add 5 to both sides", ["we add", "to both sides"]),
        ("let x be the sum of a and b", ["let", "be the sum of a and"]),
        ("so $x = 5$ holds and \\(y\\) too", ["so", "holds and", "too"]),
        ("pay $5 for eggs and $6 for milk", ["pay", "for eggs and", "for milk"]),
        ("we get \\[ a \\text{ is big} \\] so go", ["we get", "so go"]),
        ("$$\nmany lines\n$$ so", ["so"]),
        ("run ```py\nthe code here\n``` so", ["run", "so"]),
        ("use \\frac and go", ["use", "and go"]),
        ("**let's try** and/or go", ["let's try", "and", "or go"]),
        ("## Step by step", ["## step by step"]),
        ("a - b is not re-used — ok", ["a", "is not re-used", "ok"]),
        ('he said "go on" (or not)', ["he said", "go on", "or not"]),
        ("10% of snake_case α works", ["of", "works"]),
        ("so \\[ it never closes", ["so", "it never closes"]),
        ("", []),
    ],
)
def test_split_points(text: str, expected: list[str]) -> None:
    got = segments(text)
    assert [run.rstrip(".") for run in got] == [run.rstrip(".") for run in expected]


def test_a_dollar_formula_needs_closing_on_its_line() -> None:
    assert "\x00" not in cut_formulas("cost $a\nand b$ more")
    assert cut_formulas("x $a+b$ y").split() == ["x", "\x00", "y"]


def test_formula_cutting_is_linear_on_hostile_text() -> None:
    for piece in ("\\[", "$", "$a ", "$$", "\\(", "```", "$a\n"):
        text = piece * 200_000
        assert isinstance(split_words(text), list)  # a quadratic scan would not end


@pytest.mark.parametrize(
    ("word", "edges"),
    [
        ("let's", ("let's", "let's")),
        ("'tis,", ("tis,", "'tis")),
        ("true?", ("true?", "true?")),
        ("true?!", ("true?!", "true?")),
        ("e.g.,", ("e.g.,", "e.g")),
        ("##", ("##", "##")),
        ("a", ("a", "a")),
        ("x,", None),
        ("--", None),
        ("3rd", None),
        ("x²", None),
        ("हिंदी", ("हिंदी", "हिंदी")),  # combining marks belong to their letters
        ("", None),
    ],
)
def test_word_edges(word: str, edges: tuple[str, str] | None) -> None:
    assert word_edges(word) == edges


def test_counts_by_hand() -> None:
    tokens = tokenise(["let us try again. let us try", "let us try, again", "we let us go"])
    grams, counts = count_ngrams(tokens, 2, 3, 1)
    table = {t: (d, o) for t, d, o in zip(grams.text, grams.doc_freq.tolist(), grams.occurrences.tolist(), strict=True)}
    assert table == {
        "let us": (3, 4),
        "us try": (2, 3),  # the comma at the edge is not part of it
        "try again": (1, 1),
        "try, again": (1, 1),  # inside it is
        "we let": (1, 1),
        "us go": (1, 1),
        "let us try": (2, 3),
        "us try again": (1, 1),
        "us try, again": (1, 1),
        "we let us": (1, 1),
        "let us go": (1, 1),
    }
    assert counts == {"ngrams": 11, "min_df": 11, "max_df": 3, "over_limit": 0}
    frequent, counts = count_ngrams(tokens, 2, 3, 2)
    assert frequent.text == ["let us", "let us try", "us try"]
    assert counts == {"ngrams": 11, "min_df": 3, "max_df": 3, "over_limit": 0}
    assert grams.n.tolist() == [len(text.split()) for text in grams.text]


def test_single_words_are_stripped_on_both_sides() -> None:
    grams, _ = count_ngrams(tokenise(["'wait,' 'wait' wait"]), 1, 1, 1)
    assert (grams.text, grams.occurrences.tolist()) == (["wait"], [3])


def test_two_groups() -> None:
    tokens = tokenise(["so we go on", "so we go up", "so we sit"])
    grams, _ = count_ngrams(tokens, 2, 3, 2, np.array([0, 0, 1]), 2)
    assert grams.text == ["so we"]  # "we go" is in two solutions, but of one question


def test_records_of_a_block_by_hand() -> None:
    block = tokenise(["so we go. so we go", "so we sit", "we go"])
    codes, group = codes_of(block, 0), np.array([5, 5, 6], np.int32)
    name = dict(enumerate(block.words))
    _, records = block_records(block, codes, group, 2, CountRule(2, 2, 1))
    said = {" ".join(name[word] for word in row[:2]): tuple(row[2:]) for row in records.tolist()}
    assert said == {"so we": (2, 3, 5), "we go": (2, 3, ngrams.MANY), "we sit": (1, 1, 5)}  # df, occurrences, group
    _, records = block_records(block, codes, group, 2, CountRule(2, 2, 1, by_group=True))
    pairs = sorted((" ".join(name[word] for word in row[:2]), *row[2:]) for row in records.tolist())
    assert pairs == [("so we", 1, 3, 5), ("we go", 1, 1, 6), ("we go", 1, 2, 5), ("we sit", 1, 1, 5)]


def test_records_of_several_blocks_add_up_in_any_order() -> None:
    one, two = tokenise(["so we go", "so we go"]), tokenise(["so we go. so we sit"])
    vocabulary = WordVocabulary()
    blocks = []
    for block in (two, one):  # one vocabulary for both
        ids = np.array([0, *map(vocabulary.add, block.words[1:])], np.int32)[block.ids]
        blocks.append(Tokens(ids, block.starts, [], *vocabulary.tables()))
    codes = np.array([ngrams.word_hash(word, 0) for word in vocabulary.words], np.uint64)
    rows = [
        block_records(block, codes, group, 2, CountRule(2, 2, 1, by_group=True))[1]
        for block, group in zip(blocks, (np.array([7], np.int32), np.array([7, 8], np.int32)), strict=True)
    ]
    merged = merge_records(np.concatenate(rows), codes, 2, CountRule(2, 2, 1, by_group=True))
    text = [" ".join(vocabulary.words[word] for word in row) for row in merged.words.tolist()]
    got = dict(zip(text, zip(merged.doc_freq.tolist(), merged.occurrences.tolist(), strict=True), strict=True))
    assert got == {"so we": (2, 4), "we go": (2, 3), "we sit": (1, 1)}  # groups 7 and 8, not blocks
    assert (merged.ngrams, merged.min_df, merged.max_df) == (3, 3, 2)
    across = merge_records(np.concatenate(rows[::-1]), codes, 2, CountRule(2, 2, 1, by_group=True, across=True))
    assert len(across.words) == 2  # "we sit" is in group 7 only


def test_hashing_in_small_blocks_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = tokenise([f"we can try {'again ' * (i % 3)}and then stop here" for i in range(50)])
    whole, counts = count_ngrams(tokens, 2, 4, 2)
    monkeypatch.setattr(ngrams.windows, "__defaults__", (11,))
    cut, cut_counts = count_ngrams(tokens, 2, 4, 2)
    assert (cut.text, cut_counts) == (whole.text, counts)
    assert cut.doc_freq.tolist() == whole.doc_freq.tolist()
    assert cut.occurrences.tolist() == whole.occurrences.tolist()


def test_the_limit_keeps_the_most_frequent_and_counts_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["go up", "go up. go on", "go on. go up", *(f"go {chr(97 + i)}{chr(98 + i)}" for i in range(20))]
    monkeypatch.setattr(ngrams, "MAX_GRAMS", 2)
    grams, counts = count_ngrams(tokenise(texts), 2, 2, 1)
    assert grams.text == ["go on", "go up"]
    assert grams.doc_freq.tolist() == [2, 3]
    assert counts == {"ngrams": 22, "min_df": 22, "max_df": 3, "over_limit": 20}


def test_a_hash_collision_is_noticed_and_salted_away(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = tokenise(["one two three four five six"])
    honest = ngrams.word_hash
    monkeypatch.setattr(ngrams, "word_hash", lambda word, salt: 7 if salt == 0 else honest(word, salt))
    grams, _ = count_ngrams(tokens, 2, 2, 1)
    assert grams.salt == 1
    assert len(grams.text) == 5


def test_closed_drops_what_always_stands_inside_a_longer_gram() -> None:
    tokens = tokenise(["now let us stack upwards", "let us stack upwards", "let us dip", "let us stack, upwards"])
    grams, _ = count_ngrams(tokens, 2, 4, 1)
    inside = inside_longer(grams, tokens.left, tokens.right)
    kept = [text for text, row in zip(grams.text, inside.tolist(), strict=True) if row < 0]
    assert kept == [
        "let us",  # in 4 solutions, no longer gram is
        "let us dip",
        "let us stack",  # in 3: the comma at its edge does not count, but it does inside the longer ones
        "let us stack upwards",
        "let us stack, upwards",
        "now let us stack",  # the longest that is counted
    ]


def holders(tokens: Tokens, grams: Grams, labels: list[int], groups: list[int] | None = None) -> Ints:
    """Solutions of one block that hold each label; with groups the pairs."""
    group = np.array(groups or range(len(tokens.starts) - 1), np.int32)
    return block_holders(tokens, codes_of(tokens, grams.salt), group, grams, np.array(labels), groups is not None)


def test_cluster_document_frequency_by_hand() -> None:
    tokens = tokenise(["go up now", "go up now. go on now", "go on now", "sit down now"])
    grams, _ = count_ngrams(tokens, 3, 3, 1)
    assert grams.text == ["go on now", "go up now", "sit down now"]
    frequency = holders(tokens, grams, [1, 1, 0])
    assert frequency.tolist() == [1, 3]  # the second solution holds two members and counts once
    assert rank_clusters(np.array([1, 1, 0]), frequency).tolist() == [1, 0]
    assert holders(tokens, grams, [-1, 1, -1]).tolist() == [0, 2]  # a negative label is passed over
    assert holders(tokens, grams, [-1, -1, -1]).tolist() == []
    pairs = holders(tokens, grams, [1, 1, 0], [0, 0, 1, 2])  # group * 2 + label
    assert pairs.tolist() == [1, 3, 4]


def test_ranking_ties_go_to_the_first_gram_and_empty_clusters_vanish() -> None:
    tokens = tokenise(["go up", "sit down"])
    grams, _ = count_ngrams(tokens, 2, 2, 1)
    assert rank_clusters(np.array([3, 0]), holders(tokens, grams, [3, 0])).tolist() == [3, 0]


@pytest.mark.parametrize(
    ("clusters", "share", "kept"), [(1, 0.2, 1), (5, 0.2, 1), (6, 0.2, 2), (100, 0.2, 20), (7, 1.0, 7)]
)
def test_top_share_is_rounded_up(clusters: int, share: float, kept: int) -> None:
    assert len(top_clusters(np.arange(clusters), share)) == kept


def test_most_frequent_ties_by_text() -> None:
    grams, _ = count_ngrams(tokenise(["a go", "a go. b go", "an ox", "an ox", "am in"]), 2, 2, 1)
    assert [grams.text[row] for row in most_frequent(grams, 2)] == ["a go", "an ox"]


def test_the_core_of_a_word_has_no_punctuation_at_its_edges() -> None:
    assert [core(word) for word in ("'wait,'", "let's", "true?", "##", "5", "e.g.,")] == [
        "wait", "let's", "true?", "##", "", "e.g",
    ]  # fmt: skip


def test_an_encoded_chunk_does_not_depend_on_what_came_before() -> None:
    chunk = Chunk(["Wait, so 5", "so it is. Wait,"], ["q", None])
    used, fresh = Encoder(), Encoder()
    used.encode(Chunk(["other words, quite many of them"], [None]))
    one, two = used.encode(chunk, near=True), fresh.encode(chunk, near=True)
    assert one.words == two.words or sorted(one.words) == sorted(two.words)
    assert [one.words[row] for row in one.ids] == ["wait,", "so", "", "", "so", "it", "is", "", "wait,", ""]
    assert [one.words[row] for row in one.ids] == [two.words[row] for row in two.ids]
    assert (one.lengths.tolist(), one.sizes.tolist()) == ([4, 6], [2, 4])
    assert (one.digest == two.digest).all()
    assert (one.near == two.near).all()
    assert (one.question[1] == 0).all()
    assert (one.question[0] != 0).any()


def test_fold_word_is_fold_without_white_space() -> None:
    for word in ("Let’s", "ÉCOLE,", "İx", "ẞ", "K", "##", "áB"):
        assert fold_word(word) == fold(word)
