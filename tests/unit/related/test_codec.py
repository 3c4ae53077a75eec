"""The codec of a tokenizer: it keeps the ids of texts that come again, and not of ever more texts."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from hicra.errors import DataError
from hicra.related.policy import words


class Inner:
    """A tokenizer of the words one, two and so on, which counts how often it is asked."""

    known = ("<pad>", "<end>", "<unk>", "one", "two", "three")

    def __init__(self) -> None:
        self.asked = 0

    def token_to_id(self, word: str) -> int | None:
        return self.known.index(word) if word in self.known else None

    def encode(self, text: str, add_special_tokens: bool) -> SimpleNamespace:
        self.asked += 1
        return SimpleNamespace(ids=[self.known.index(word) if word in self.known else 2 for word in text.split()])


def codec() -> words.TokenizerCodec:
    return words.TokenizerCodec(SimpleNamespace(eos_token_id=1, pad_token_id=None, backend_tokenizer=Inner()))


def test_a_text_is_read_once_and_its_ids_are_the_callers_own() -> None:
    made = codec()
    assert (made.end, made.pad) == (1, 1)
    first = made.encode("two one")
    first.append(9)
    assert made.encode("two one") == [4, 3]
    assert made._inner.asked == 1


def test_no_more_texts_are_kept_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "MOST_KNOWN", 2)
    made = codec()
    for text in (
        "one",
        "two",
        "three",
        "one",
        "one",
    ):  # the third finds two kept and clears them, so "one" is read again, once
        assert made.encode(text) == [made._inner.token_to_id(text)]
    assert made._inner.asked == 4
    assert len(made._known) == 2


def test_a_word_that_is_not_known_is_named_each_time() -> None:
    made = codec()
    for _ in range(2):
        with pytest.raises(DataError, match="does not know the word 'four'"):
            made.encode("one four")
