"""What each token spells: added tokens, tables of bytes, and refusals whose advice works."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from tokenizers import AddedToken

from hicra import Lexicon, Tagger
from hicra.errors import ConfigError
from hicra.tagging.rows import RowTagger
from hicra.text.stream import Vocabulary
from hicra.text.tokenizer import token_bytes
from reference_tagger import mask as slow_mask
from tokenizers_made import Encoding, byte_level, gemma_like, metaspace

LEXICON = Lexicon.from_phrases(["let me", "so", "等"])


def spelled(source):
    table = token_bytes(source)
    ranges = zip(table.start.tolist(), table.length.tolist(), table.wall.tolist(), strict=True)
    return [None if wall else table.blob[start : start + length].tobytes() for start, length, wall in ranges]


@pytest.mark.parametrize("make", [byte_level, metaspace, gemma_like])
def test_added_tokens_spell_what_decode_shows(make):
    tokenizer = make()
    texts = ("\u2581\u2581x", "\u0120y", "\u00e9", "two words", "\u65e5")
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in texts])
    own, bytes_of = tokenizer.encode("so", add_special_tokens=False).ids, spelled(tokenizer)
    added = [tokenizer.token_to_id(text) for text in texts]
    for index in added:
        shown = tokenizer.decode([*own, index])
        assert shown == tokenizer.decode(own) + bytes_of[index].decode("utf-8", "replace")


def test_stretches_of_spaces_of_a_gemma_like_tokenizer_are_white_space():
    tokenizer = gemma_like()
    (two,) = tokenizer.encode("\u2581\u2581", add_special_tokens=False).ids
    first, second = (tokenizer.encode(text, add_special_tokens=False).ids for text in ("let", "me"))
    ids = np.array([[*first, two, *second]])
    assert tokenizer.decode(ids[0].tolist()) == "let  me"
    assert Tagger(LEXICON, tokenizer).mask(ids, np.ones_like(ids)).all()
    sentence = [*tokenizer.encode("so x.", add_special_tokens=False).ids, two, *second]
    marked = Tagger(LEXICON, tokenizer, "sentence").mask(np.array([sentence]), np.ones((1, len(sentence))))[0]
    assert marked.tolist() == [True] * (len(sentence) - 1 - len(second)) + [False] * (1 + len(second))


# ---- tables of bytes
def test_a_table_of_bytes_is_a_tokenizer():
    table = {2: b"let", 3: b" m", 5: b"e", np.int64(6): b"\xe7\xad", 7: b"\x89"}
    assert spelled(table) == [None, None, b"let", b" m", None, b"e", b"\xe7\xad", b"\x89", None]
    ids = np.array([[2, 3, 5, 6, 7], [2, 0, 3, 5, 4], [3, 5, 2, 7, 9]])
    mask = Tagger(LEXICON, table).mask(ids, np.ones(ids.shape, bool))
    assert mask.astype(int).tolist() == [[1, 1, 1, 1, 1], [0] * 5, [0] * 5]


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({}, "empty"),
        ({"let": 2}, "turn it round"),
        ({1: "let"}, r"id 1 in the table of token bytes holds str \('let'\), not bytes"),
        ({-1: b"let"}, "-1 in the table of token bytes is no token id"),
        ({1.5: b"let"}, "1.5 in the table"),
        ({2**40: b"let"}, "is no token id"),
    ],
)
def test_a_table_that_is_none_is_refused(table, says):
    with pytest.raises(ConfigError, match=says):
        Tagger(LEXICON, table)


def test_an_encoding_tags_texts_and_ids():
    encoding = Encoding()
    tagger = RowTagger(LEXICON, encoding)
    texts = ["so let  me check 等一下", "sofa", ""]
    rows = encoding.encode_ordinary_batch(texts)
    tagged = tagger.tag(texts)
    pieces = spelled(encoding)
    assert pieces[-2:] == ["等".encode(), None]  # the ids after it are of no token, and a boundary like the special one
    for row, planning in zip(rows, tagged.planning.tolist(), strict=True):
        assert planning[: len(row)] == slow_mask([pieces[i] for i in row], [True] * len(row), LEXICON.phrases)
    assert (tagger.tag(texts, rows).planning == tagged.planning).all()
    end = encoding.encode_single_token("<|end|>")
    cut = np.array([[rows[0][1], end, *encoding.encode_ordinary_batch(["let me"])[0]]])
    assert Tagger(LEXICON, encoding).mask(cut, np.ones_like(cut)).tolist() == [[False, False, True, True]]


def test_a_file_of_ranks_serves_rows_with_token_ids(tmp_path):
    path = tmp_path / "own.tiktoken"
    table = {0: b"so", 1: b" ", 2: b"\xff"}
    path.write_bytes(b"".join(base64.b64encode(token) + b" %d\n" % index for index, token in table.items()))
    assert spelled(path) == spelled(str(path)) == [*table.values(), None]
    tagger = RowTagger(LEXICON, path)
    assert tagger.tag(["so so"], [[0, 1, 0]]).planning.tolist() == [[True, False, True]]
    with pytest.raises(ConfigError, match="1 row without token_ids") as caught:
        tagger.tag(["so", "so so"], [[0], None])
    assert "token_ids" in caught.value.fix
    path.write_text("so 1\nc28= x\n")
    with pytest.raises(ConfigError, match=r"own.tiktoken, line 1 is not a token in base64"):
        token_bytes(path)


# ---- refusals
def test_a_tokenizer_of_bytes_is_refused_with_advice_that_works():
    transformers = pytest.importorskip("transformers")
    tokenizer = transformers.ByT5Tokenizer()
    with pytest.raises(ConfigError, match="ByT5Tokenizer has no tokenizer.json inside") as caught:
        Tagger(LEXICON, tokenizer)
    assert "{id: bytes}" in caught.value.fix
    ids = np.array([tokenizer.encode("so, let me see")])
    table = {index: bytes([index - 3]) for index in range(3, 259)}  # the advice, followed
    mask = Tagger(LEXICON, table).mask(ids, np.ones_like(ids))[0].tolist()
    assert mask == [True, True, False, False, *[True] * 6, *[False] * 5]


def test_a_folder_that_transformers_converts(tmp_path):
    transformers = pytest.importorskip("transformers")
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    letters = "\u0120abcdefghijklmnopqrstuvwxyz"
    (tmp_path / "vocab.json").write_text(str({letter: i for i, letter in enumerate(letters)}).replace("'", '"'))
    (tmp_path / "merges.txt").write_text("#version: 0.2\n")
    with pytest.raises(ConfigError, match="no tokenizer at") as caught:
        Tagger(LEXICON, tmp_path)
    assert "AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER)" in caught.value.fix
    transformers.AutoTokenizer.from_pretrained(tmp_path).save_pretrained(tmp_path)
    ids = np.array([[letters.index(letter) for letter in "so\u0120let"]])
    assert Tagger(LEXICON, tmp_path).mask(ids, np.ones_like(ids)).tolist() == [[True, True, *[False] * 4]]


@pytest.mark.parametrize(("second", "marked"), [(b" c", False), ("e\u0301".encode(), True), ("\u00e9".encode(), False)])
def test_only_combining_marks_ask_for_the_slower_rule_of_words(second, marked):
    vocabulary = Vocabulary(token_bytes({0: b"ab", 1: second}))
    assert vocabulary.stream(np.array([[0, 1]]), np.ones((1, 2), bool)).marked is marked
