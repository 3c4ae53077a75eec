"""Tagging while a rollout is produced: what is final when, by hand; what waits stays small; what is refused."""

import json

import numpy as np
import pytest
from tokenizers import Tokenizer

from hicra import Lexicon, Tagger
from hicra.errors import ConfigError, DataError
from hicra.lexicon.lexicon import SCHEMA
from hicra.tagging import InterleavedTagger, StreamTagger
from tokenizers_made import byte_level, metaspace

TOKENIZER = byte_level(["unrelated"], 300)  # a token a byte
LEXICON = Lexicon.from_phrases(["let me check", "so"])


def streams(unit="gram", rows=1):
    return StreamTagger(Tagger(LEXICON, TOKENIZER, unit), rows)


def feed(stream, text):
    """The mask of the bytes that became final, as a string."""
    ids = np.array([TOKENIZER.encode(text, add_special_tokens=False).ids])
    assert ids.shape[1] == len(text.encode())
    return shown(stream.feed(ids, np.ones_like(ids)))


def shown(masks):
    return "".join("#" if planning else "." for planning in masks[0].tolist())


def test_grams_wait_only_while_one_is_open():
    stream = streams()
    assert feed(stream, "we ") == "..."
    assert feed(stream, "let") == ""  # let me check may come
    assert shown(stream.mask_so_far()) == "......"
    assert feed(stream, "ter. ") == "...." + "...."
    assert feed(stream, "also ") == "....."  # nothing begins inside a word
    assert feed(stream, "so") == ""  # son, or so?
    assert shown([stream.mask_so_far()[0, -2:]]) == "##"
    assert feed(stream, ",") == "##."
    assert feed(stream, "so\u0301"[:1]) == ""
    assert feed(stream, "o") == ""
    assert feed(stream, "\u0301") == "...."  # a mark belongs to the letter: the word is no "so" any more
    assert feed(stream, " let me check") == "."
    assert shown(stream.finish()) == "#" * 12
    assert stream.fed == stream.mask_so_far().shape[1]


def test_half_a_character_waits_for_the_rest():
    ids = TOKENIZER.encode("so\U0001f914so", add_special_tokens=False).ids
    stream = streams()
    got = [shown(stream.feed(np.array([[token]]), np.array([[1]]))) for token in ids]
    assert got == ["", "", "", "", "", "##....", "", ""]
    assert shown(stream.finish()) == "##"
    stream = streams()
    got = [shown(stream.feed(np.array([[token]]), np.array([[1]]))) for token in [*ids[:4], TOKENIZER.token_to_id("x")]]
    assert got == ["", "", "", "", "##..."]  # what came is no character: bytes that are part of no word


def test_sentences_wait_for_their_end():
    stream = streams("sentence")
    assert feed(stream, "\n\n so we go") == "..."
    assert shown(stream.mask_so_far()) == "..." + "#" * 8
    assert feed(stream, ".") == ""  # 3.5, or the end?
    assert feed(stream, " ") == "#" * 9 + "."
    assert feed(stream, "Pi is 3.") == ""
    assert feed(stream, "14 ") == ""
    assert feed(stream, "\n") == "." * 12
    assert feed(stream, "so why? so") == "#" * 7 + "."
    assert shown(stream.finish()) == "##"


def test_walls_end_a_text():
    ids = np.array([TOKENIZER.encode("soso", add_special_tokens=False).ids])
    stream = streams()
    assert shown(stream.feed(ids, np.array([[1, 1, 0, 1]]))) == "##.."  # the last o begins nothing
    assert shown(stream.feed(ids, np.array([[0, 0, 1, 1]]))) == ".."
    assert shown(stream.feed(ids[:, :1], np.array([[0]]))) == "##."


@pytest.mark.parametrize("unit", ["gram", "sentence"])
@pytest.mark.parametrize("before", ["let", "x"])
@pytest.mark.parametrize("goes_on", [" ", "\n", "\u0301", "\u3000"])
def test_a_row_that_says_the_same_for_ever_does_not_grow(unit, before, goes_on):
    stream = streams(unit)
    for text in (before, *[goes_on * 10] * 300):
        feed(stream, text)
    row = stream._rows[0]
    waiting = [value for name, value in vars(row).items() if name != "mask" and hasattr(value, "__len__")]
    assert len(waiting) >= 5
    assert max(map(len, waiting)) <= 12


def test_tokens_without_bytes_are_never_planning():
    spec = json.loads(metaspace().to_str())
    spec["model"]["vocab"][""] = empty = len(spec["model"]["vocab"])
    tokenizer = Tokenizer.from_str(json.dumps(spec))
    s, o = (tokenizer.token_to_id(letter) for letter in "so")
    ids = np.array([[s, empty, o, empty]])
    for unit in ("gram", "sentence"):
        tagger = Tagger(LEXICON, tokenizer, unit)
        stream = StreamTagger(tagger, 1)
        masks = [stream.feed(ids[:, i : i + 1], np.ones((1, 1)))[0] for i in range(4)] + [stream.finish()[0]]
        assert shown([np.concatenate(masks)]) == shown(tagger.mask(ids, np.ones_like(ids))) == "#.#."


def test_rows_are_independent_and_torch_tensors_do():
    torch = pytest.importorskip("torch")
    tagger = Tagger(LEXICON, TOKENIZER)
    ids = torch.tensor([TOKENIZER.encode(text, add_special_tokens=False).ids for text in ("so so. ", "also so")])
    stream = StreamTagger(tagger, 2)
    got = [stream.feed(ids[:, i : i + 2], torch.ones_like(ids[:, i : i + 2])) for i in range(0, 7, 2)] + [
        stream.finish()
    ]
    for row in range(2):
        assert (
            np.concatenate([part[row] for part in got]).tolist() == tagger.mask(ids, torch.ones_like(ids))[row].tolist()
        )


def test_refusals():
    with pytest.raises(ConfigError, match="no tokenizer"):
        StreamTagger(Tagger(LEXICON), 1)
    for rows in (-1, 2.5, True):
        with pytest.raises(ConfigError, match=f"rows is {rows}"):
            streams(rows=rows)
    stream = streams(rows=2)
    with pytest.raises(DataError, match=r"must be one shape \[2,t\]"):
        stream.feed(np.zeros((1, 3)), np.zeros((1, 3)))
    with pytest.raises(DataError, match="token id -1 at a policy token"):
        stream.feed(np.array([[-1], [0]]), np.array([[1], [0]]))
    with pytest.raises(DataError, match=r"ids\[1, 0\] is 0.5, no whole number"):
        stream.feed(np.array([[0], [0.5]]), np.array([[1], [1]]))
    with pytest.raises(DataError, match=r"response_mask\[1, 0\] is nan, neither 0 nor 1"):
        stream.feed(np.array([[0], [0]]), np.array([[1], [float("nan")]]))
    stream.finish()
    with pytest.raises(DataError, match="was finished"):
        stream.feed(np.zeros((2, 1), int), np.zeros((2, 1)))


def test_rollouts_that_come_and_go():
    stream = InterleavedTagger(Tagger(LEXICON, TOKENIZER))
    ids = TOKENIZER.encode("so let me check", add_special_tokens=False).ids
    assert shown([stream.feed("a", ids[:2])]) == ""  # so, or son?
    assert shown([stream.feed("b", np.array(ids[2:8]))]) == "."  # the space; "let m" may go on
    assert shown([stream.mask_so_far("b")]) == "......"
    assert shown([stream.feed("a", [ids[2]])]) == "##."
    assert shown([stream.feed("a", ids[3:6], [1, 1, 0])]) == "..."  # a boundary: "le" stays what it is
    assert len(stream) == 2
    assert shown([stream.feed("b", ids[8:])]) == ""
    assert shown([stream.finish("b")]) == "#" * 12
    assert shown([stream.feed("b", ids[:2])]) == ""  # a new rollout of the same name
    assert shown([stream.finish("b")]) == "##"
    assert shown([stream.feed("a", [])]) == ""
    assert shown([stream.finish("a")]) == ""
    assert len(stream) == 0


def test_an_error_feeds_nothing():
    stream = InterleavedTagger(Tagger(LEXICON, TOKENIZER))
    s, o = TOKENIZER.encode("so", add_special_tokens=False).ids
    stream.feed(7, [s])
    for wrong, mask, message in (
        ([o, -1], None, "token id -1 at a policy token"),
        ([o, 0.5], None, r"is 0.5, no whole number"),
        ([[o]], None, r"must be one shape \[t\]"),
        ([o, o], [1], r"must be one shape \[t\]"),
        ([o], [2], r"response_mask\[0\] is 2, neither 0 nor 1"),
        (["o"], None, "token ids as integers|of type"),
    ):
        with pytest.raises(DataError, match=message):
            stream.feed(7, wrong, mask)
    assert shown([stream.feed(7, [o])]) == ""
    assert shown([stream.finish(7)]) == "##"
    for call in (stream.finish, stream.mask_so_far):
        with pytest.raises(DataError, match="no rollout of key 7 goes on(.|\n)*feed it first"):
            call(7)
    with pytest.raises(ConfigError, match="no tokenizer"):
        InterleavedTagger(Tagger(LEXICON))


def test_ids_past_the_tokenizer_are_boundaries_however_large():
    stream = streams()
    s, o = TOKENIZER.encode("so", add_special_tokens=False).ids
    ids = np.array([[s, 2**64 - 1, s, o, 10**6]], np.uint64)
    assert shown(stream.feed(ids, np.ones((1, 5)))) == "..##."


def test_a_sentence_weighs_its_grams_as_the_tagger_does():
    # weights 0.1, 0.2 and 0.3: their sum is over 0.6 or at it, by the order of adding; both add in the order of the lexicon
    lexicon = Lexicon.from_table(
        Lexicon.from_phrases(["a b", "c d", "e f"]).table.with_columns(weight=np.array([0.1, 0.2, 0.3])).select(list(SCHEMA)),
        name="close", threshold=0.6,
    )  # fmt: skip
    tagger = Tagger(lexicon, TOKENIZER, "sentence")
    for text in ("a b c d e f", "e f c d a b", "c d", "e f a b c d. a b c d"):
        ids = np.array([TOKENIZER.encode(text, add_special_tokens=False).ids])
        stream = StreamTagger(tagger, 1)
        masks = [*stream.feed(ids, np.ones_like(ids)), *stream.finish()]
        assert np.concatenate(masks).tolist() == tagger.mask(ids, np.ones_like(ids))[0].tolist()
    assert (0.1 + 0.2) + 0.3 > 0.6  # 0.6000000000000001
    assert not (0.3 + 0.2) + 0.1 > 0.6


def test_streams_of_one_tagger_share_what_was_learnt():
    tagger = Tagger(LEXICON, TOKENIZER)
    one, two = StreamTagger(tagger, 1), InterleavedTagger(tagger)
    feed(one, "so let me")
    known = one._reader._known
    assert known > 0
    two.feed("a", TOKENIZER.encode("so let me", add_special_tokens=False).ids)
    assert two._reader._known == known
