"""Tagging while a rollout is produced: what is final when, by hand; what waits stays small; what is refused."""

import json

import numpy as np
import pytest
from tokenizers import Tokenizer

from hicra import Lexicon, Tagger
from hicra.errors import ConfigError, DataError
from hicra.tagging import StreamTagger
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
    waiting = [row.text, row.first, row.last, row.owners, row.ranges, row.maybe, row.empty]
    most = 3003 if (unit, goes_on) == ("sentence", "\u0301") else 12  # the open sentence waits
    assert max(map(len, waiting)) <= most


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
