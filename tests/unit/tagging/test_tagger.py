"""The tagging rule, a test a line of its table (docs/concepts/tagging.md), and token masks against the slow reference."""

import json

import numpy as np
import pytest
from tokenizers import Tokenizer

from hicra import Lexicon, Tagger
from hicra.errors import ConfigError, DataError
from reference_tagger import mask as slow_mask
from reference_tagger import spans as slow_spans
from tokenizers_made import FAMILIES, TEXT, byte_level, pieces


def spans(text, *grams, **kind):
    return Tagger(Lexicon.from_phrases(grams), **kind).spans(text)


@pytest.mark.parametrize(
    ("text", "gram", "expected"),
    [
        ("Wait, LET me", "let me", [(6, 12)]),  # case
        ("let \t\n me", "let me", [(0, 9)]),  # runs of white space
        (
            "let\u00a0me let\u3000me let\u2028me",
            "let me",
            [(0, 6), (7, 13), (14, 20)],
        ),  # no-break, ideographic, line separator
        ("let\u200bme let\u200b me", "let me", []),  # zero-width is not white space
        ("let\u2019s let's", "let's", [(0, 5), (6, 11)]),  # typographic apostrophe in the text
        ("let's", "let\u2019s", [(0, 5)]),  # ... and in the gram
        ("so2 so_ so", "so", [(8, 10)]),  # digits and underscores are word characters
        ("\u00e9so so\u00e9 so", "so", [(8, 10)]),  # non-ASCII letters too
        ("so\u0301 so", "so", [(4, 6)]),  # a combining mark belongs to the letter before it
        ("\U0001f914so\U0001f914", "so", [(1, 3)]),  # emoji are not
        ("\u4f60so", "so", [(1, 3)]),  # each letter of a script without spaces is a word of its own
        ("\u4f60\u597d \u4f60\u597d\u5417", "\u4f60\u597d", [(0, 2), (3, 5)]),
        ("嗯，等一下这里", "等一下", [(2, 5)]),
        ("では、もう一度確認しようと思う。", "もう一度確認しよう", [(3, 12)]),
        ("データを調べて", "データ", [(0, 3)]),
        ("が ガ", "か", []),  # precomposed letters are others
        ("か\u3099か", "か", [(2, 3)]),  # a combining mark stays with its letter
        ("เราลองตรวจสอบอีกครั้งนะ", "ลองตรวจสอบอีกครั้ง", [(3, 21)]),
        ("ครั้ง", "คร", []),  # the vowel above belongs to the second letter
        ("ລອງກວດ", "ກວດ", [(3, 6)]),
        ("ខ្ញុំគិត", "គិត", [(5, 8)]),
        ("စစ်ဆေး", "စ", [(0, 1)]),
        ("๑๒ ๑", "๑", [(3, 4)]),  # digits are no letters: they make one word
        ("한국어 한국", "한국", [(4, 6)]),  # Korean has spaces
        ("ㄅㄆ ㄅ", "ㄅ", [(3, 4)]),  # so have the other scripts
        ("\u2163so \u2163", "so", [(1, 3)]),  # a roman numeral sign (Nl) is no letter, so no part of a word
        ("so\u2163 \u3007so", "so", [(0, 2), (5, 7)]),  # nor is the ideographic zero
        ("so\u0661 so", "so", [(4, 6)]),  # other scripts' decimal digits
        ("\u2167so so\u2167", "so", [(1, 3), (4, 6)]),  # a roman numeral sign is a number and no word character
        ("so's (so) so.", "so", [(0, 2), (6, 8), (10, 12)]),  # an apostrophe is no word character
        ("does this hold true? yes", "does this hold true?", [(0, 20)]),  # punctuation at the edge
        ("## step 1", "## step", [(0, 7)]),
        ("STRASSE straße stra\u1e9ee", "straße", [(8, 14)]),  # sharp s stays as it is
        ("\u0130s is", "is", [(3, 5)]),  # dotted capital I has no one-to-one partner
        ("\u212aeep keep", "keep", [(5, 9)]),  # nor the Kelvin sign
        ("\u0394X", "\u03b4x", [(0, 2)]),  # Greek has
        ("\u023aso \u2c65", "\u023a", [(4, 5)]),  # not inside a word
        ("\u023a so", "\u2c65", [(0, 1)]),  # one-to-one, though its bytes change length
        ("", "so", []),
        ("so", "so", [(0, 2)]),
    ],
)
def test_rule(text, gram, expected):
    found = spans(text, gram)
    assert [(start, stop) for start, stop, _ in found] == expected
    assert slow_spans(text, Lexicon.from_phrases([gram]).phrases) == found


def test_overlapping_occurrences_all_count():
    # leftmost-longest alone would pick the long hit, see it end inside a word, and hide the short one
    assert spans("so we can used it", "so we can use", "so we", "we can") == [(0, 5, "so we"), (3, 9, "we can")]
    assert spans("no no no", "no no") == [(0, 5, "no no"), (3, 8, "no no")]


def test_spans_are_the_gram():
    text = "Wait, let  me check. So we\ncan use it"
    for start, stop, gram in spans(text, "let me check", "so we can", "wait"):
        assert " ".join(text[start:stop].lower().split()) == gram


def test_sentence_unit_without_weights():
    text = "First, add. Let me check that: 3 is 1.5 twice?\nNo gram here\nso: yes"
    found = spans(text, "let me", "let me check", "so", unit="sentence")
    assert [text[a:b] for a, b, _ in found] == ["Let me check that:", "so:"]
    assert [gram for _, _, gram in found] == ["let me", "so"]  # equal weights: the first by text


def test_sentence_unit_with_weights():
    import polars as pl

    table = pl.DataFrame({"gram": ["add", "let me", "maybe"], "weight": [-1.0, 1.5, 0.4]})
    lexicon = Lexicon.from_table(table, name="weighted", threshold=0.5)
    text = "Let me add. Let me see. Maybe. Maybe maybe."
    found = Tagger(lexicon, unit="sentence").spans(text)
    assert [text[a:b] for a, b, _ in found] == ["Let me see."]  # 1.5 - 1 = 0.5 does not pass; twice maybe counts once
    assert [gram for _, _, gram in Tagger(lexicon).spans(text)] == ["let me", "let me", "maybe", "maybe", "maybe"]


def test_unknown_unit_and_missing_tokenizer():
    with pytest.raises(ConfigError, match="unit"):
        Tagger(Lexicon.load("paper"), unit="word")
    with pytest.raises(ConfigError, match="no tokenizer"):
        Tagger(Lexicon.load("paper")).mask(np.zeros((1, 1), int), np.ones((1, 1), bool))


def batch(tokenizer, texts, end=1):
    rows = [[*tokenizer.encode(text, add_special_tokens=False).ids, end] for text in texts]
    width = max(map(len, rows)) + 2
    ids, live = np.full((len(rows), width), 0), np.zeros((len(rows), width), bool)
    for index, row in enumerate(rows):
        ids[index, : len(row)], live[index, : len(row)] = row, True
    return ids, live


GRAMS = ["let me check", "so", "let's", "we can use the fact that", "let me", "if we consider", 
         "that can't be right", "caf\u00e9",
         "\u4f60\u597d", "okay, so", "another approach"]  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
def test_mask_equals_the_slow_reference(family):
    tokenizer = FAMILIES[family]()
    lexicon = Lexicon.from_phrases(GRAMS)
    ids, live = batch(tokenizer, [*TEXT, "Let\u2019s check \U0001f914so, caf\u00e9.  LET ME", "s", ""])
    live[0, 4:7] = False  # tool output inside
    got = Tagger(lexicon, tokenizer).mask(ids, live)
    table = pieces(tokenizer, family)
    expected = [
        slow_mask([table[i] for i in row], alive, lexicon.phrases) for row, alive in zip(ids, live, strict=True)
    ]
    assert got.tolist() == expected
    assert got.any()
    assert not got[~live].any()


def test_foreign_and_special_tokens_are_walls():
    tokenizer = byte_level()
    tagger = Tagger(Lexicon.from_phrases(["let me"]), tokenizer)
    first, second = (tokenizer.encode(text).ids for text in ("let", " me"))
    ids = np.array([[*first, *second]])
    whole = np.ones(ids.shape, bool)
    assert tagger.mask(ids, whole).all()
    special = np.array([[*first, 1, *second]])
    assert not tagger.mask(special, np.ones(special.shape, bool)).any()
    foreign = np.array([[*first, *tokenizer.encode(" x").ids, *second]])
    live = np.ones(foreign.shape, bool)
    live[0, len(first) : -len(second)] = False
    assert not tagger.mask(foreign, live).any()


def test_incomplete_utf8_at_token_borders():
    tokenizer = byte_level()
    e_acute = tokenizer.encode("\u00e9").ids
    vocabulary = tokenizer.get_vocab()
    one_byte = [vocabulary[char] for char in "\u00c3\u00a9"]  # the two bytes of the letter as two tokens
    tagger = Tagger(Lexicon.from_phrases(["caf\u00e9"]), tokenizer)
    caf = tokenizer.encode("caf").ids
    split = np.array([[*caf, *one_byte]])
    assert tagger.mask(split, np.ones(split.shape, bool)).all()
    half = np.array([[*caf, one_byte[0]]])  # cut inside the letter: no text yet
    assert not tagger.mask(half, np.ones(half.shape, bool)).any()
    assert e_acute
    no_break = [
        vocabulary[char] for char in "\u00c2\u0142"
    ]  # a no-break space as two tokens, of which the second has no byte left
    spaced = np.array([[*caf, *one_byte, *no_break, *tokenizer.encode(" caf").ids, *one_byte]])
    assert (
        Tagger(Lexicon.from_phrases(["caf\u00e9 caf\u00e9"]), tokenizer).mask(spaced, np.ones(spaced.shape, bool)).all()
    )
    alone = tagger.mask(spaced, np.ones(spaced.shape, bool))[0].tolist()
    assert alone == [True] * (len(caf) + 2) + [False] * 2 + [True] * (spaced.shape[1] - len(caf) - 4)


def test_torch_in_torch_out():
    torch = pytest.importorskip("torch")
    tokenizer = byte_level()
    ids, live = batch(tokenizer, TEXT)
    tagger = Tagger(Lexicon.from_phrases(GRAMS), tokenizer)
    got = tagger.mask(torch.tensor(ids), torch.tensor(live))
    assert isinstance(got, torch.Tensor)
    assert got.dtype == torch.bool
    assert (got.numpy() == tagger.mask(ids, live)).all()


def test_ids_past_the_vocabulary_are_walls_and_negative_ids_are_refused():
    tagger = Tagger(Lexicon.from_phrases(["so"]), byte_level())
    assert not tagger.mask(np.array([[10**6]]), np.array([[True]])).any()
    assert not tagger.mask(np.array([[-100]]), np.array([[False]])).any()
    with pytest.raises(DataError, match="-100"):
        tagger.mask(np.array([[-100]]), np.array([[True]]))


WAIT = {0: b"wait", 1: b" so"}


@pytest.mark.parametrize("wrong", [[["1", "0"]], [[1, float("nan")]], [[1, 0.5]], [[2, 0]], [[1, -1]], [[True, None]]])
def test_a_response_mask_holds_true_and_false_or_0_and_1(wrong):
    tagger = Tagger(Lexicon.from_phrases(["wait"]), WAIT)
    for call in (tagger.mask, tagger.tag, tagger.texts):
        with pytest.raises(DataError, match=r"response_mask\[0, [01]\] is .*, neither 0 nor 1"):
            call([[0, 1]], wrong)
    for dtype in (bool, np.uint8, np.int64, np.float16):
        assert tagger.mask([[0, 0]], np.array([[1, 0]], dtype)).tolist() == [[True, False]]


def test_token_ids_are_whole_numbers():
    tagger = Tagger(Lexicon.from_phrases(["wait"]), WAIT)
    ids, live = np.array([[1, 1], [0, 1]]), np.ones((2, 2), bool)
    assert tagger.mask(ids.astype(np.float32), live).tolist() == [[False, False], [True, False]]
    assert tagger.mask([[0, float("nan")]], [[1, 0]]).tolist() == [[True, False]]  # under the padding
    for wrong, says in (
        (ids + np.array([[0, 0], [0.5, 0]]), r"ids\[1, 0\] is 0.5, no whole number"),
        ([[0, 1e30], [0, 1]], r"ids\[0, 1\] is 1e\+30, no whole number"),  # no int64 holds it
        ([[1, 0], [0, float("nan")]], r"ids\[1, 1\] is nan"),
        ([[1, 0], [0, float("inf")]], r"ids\[1, 1\] is inf"),
        ([["1", "0"]] * 2, "ids are of type <U1"),
        ([[1, 2**70]] * 2, "ids are of type object"),
    ):
        for call in (tagger.mask, tagger.tag, tagger.texts):
            with pytest.raises(DataError, match=says):
                call(wrong, live)


def test_a_negative_id_is_named_by_row_in_any_block(monkeypatch):
    monkeypatch.setattr("hicra.tagging.tagger.BLOCK", 1)  # each row is a block of its own
    tagger = Tagger(Lexicon.from_phrases(["wait"]), WAIT)
    with pytest.raises(DataError, match="token id -7 at a policy token of row 2"):
        tagger.mask([[0], [1], [-7]], [[1], [1], [1]])


def test_what_is_no_text_and_what_is_no_list_of_texts():
    tagger = Tagger(Lexicon.from_phrases(["wait"]))
    for wrong in (None, b"wait", 5):
        with pytest.raises(DataError, match=f"text 0 is of type {type(wrong).__name__}"):
            tagger.spans(wrong)
        with pytest.raises(DataError, match=f"texts of type {type(wrong).__name__}"):
            tagger.spans_batch(wrong)
    with pytest.raises(DataError, match="texts of type str") as caught:
        tagger.spans_batch("wait")
    assert "spans(text)" in caught.value.fix
    with pytest.raises(DataError, match="text 1 is of type NoneType"):
        tagger.spans_batch(["wait", None])
    assert tagger.spans_batch(np.array(["so wait"])) == [[(3, 7, "wait")]]
    for wrong in ("paper", None):
        with pytest.raises(ConfigError, match="a lexicon of type"):
            Tagger(wrong)


def test_texts_and_character_ranges_agree():
    tokenizer = byte_level()
    ids, live = batch(tokenizer, [*TEXT, "x \u00e9 let me"])
    live[1, 5:9] = False
    tagger = Tagger(Lexicon.from_phrases(GRAMS), tokenizer)
    texts, tagged = tagger.texts(ids, live), tagger.tag(ids, live)
    assert texts[0][0] == TEXT[0]
    for row, start, stop, gram in zip(tagged.row, tagged.char_start, tagged.char_stop, tagged.hits.gram, strict=True):
        assert slow_spans(texts[row][0][start:stop], [tagger.phrases[gram]])[0][:2] == (0, stop - start)
    for text, ends in texts:
        assert ends == sorted(ends)
        assert ends[-1] == len(text)


def test_tokenizers_that_cannot_serve(tmp_path):
    lexicon = Lexicon.load("paper-n3")
    with pytest.raises(ConfigError, match="tokenizer.json"):
        Tagger(lexicon, tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ConfigError, match="no tokenizer"):
        Tagger(lexicon, tmp_path)
    with pytest.raises(ConfigError, match=r"an? object has no tokenizer.json inside") as caught:
        Tagger(lexicon, object())
    assert "{id: bytes}" in caught.value.fix
    ends = json.loads(byte_level().to_str())
    ends["model"]["end_of_word_suffix"] = "</w>"
    with pytest.raises(ConfigError, match="</w>"):
        Tagger(lexicon, Tokenizer.from_str(json.dumps(ends)))


def test_many_texts_are_looked_at_in_parts(monkeypatch):
    import hicra.tagging.tagger

    tagger = Tagger(Lexicon.from_phrases(["so we", "let me"]))
    texts = ["so we", "", "x" * 30 + " let me", "so", "we", "let me so we", ""]
    one_by_one = [tagger.spans(text) for text in texts]
    assert one_by_one[2] == [(31, 37, "let me")]
    for size in (1, 7, 40, 1000):
        monkeypatch.setattr(hicra.tagging.tagger, "CHARS", size)
        assert tagger.spans_batch(texts) == one_by_one
    assert tagger.spans_batch([]) == []


def test_blocks_of_rows_change_nothing(monkeypatch):
    import hicra.tagging.tagger

    tokenizer = byte_level()
    ids, live = batch(tokenizer, [*TEXT, "x \u00e9 let me", "", "so"])
    tagger = Tagger(Lexicon.from_phrases(GRAMS), tokenizer)
    whole = tagger.tag(ids, live)
    for size in (1, 100, 200):
        monkeypatch.setattr(hicra.tagging.tagger, "BLOCK", size)
        assert (tagger.mask(ids, live) == whole.mask).all()
        parts = tagger.tag(ids, live)
        for one, other in zip(
            [*whole[:2], *whole.hits, *whole[3:]], [*parts[:2], *parts.hits, *parts[3:]], strict=True
        ):
            assert (one == other).all()
