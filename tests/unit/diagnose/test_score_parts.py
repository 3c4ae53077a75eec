"""The parts of scoring that need no model: which rows, in which order, their prompts and tokens, and how far off they are."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hicra import Lexicon, Tagger
from hicra.corpus.turns import WALL
from hicra.diagnose.prompts import UnusablePrompt, prompt_ids, prompts_of
from hicra.diagnose.response_tokens import ResponseReader
from hicra.diagnose.score_order import AT_ONCE, ROWS_AT_ONCE, batches_of, spread
from hicra.diagnose.surprise import Surprise
from tokenizers_made import byte_level, metaspace

USER, BOT = {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}


# ---- which rows, and in which order
def test_whole_prompts_are_spread_evenly_over_a_step() -> None:
    rows = pl.DataFrame({"_group": [0, 0, 1, 1, 2, 2, 3, 3]})
    assert spread(rows, 4) == [0, 1, 4, 5]
    assert spread(rows, 0) == spread(rows, 8) == list(range(8))
    assert spread(rows, 1) == [0, 1]  # one prompt is always taken
    assert spread(pl.DataFrame({"_group": [-1] * 6}), 2) == [0, 3]


@given(st.lists(st.integers(-1, 5), min_size=1, max_size=40), st.integers(1, 40))
def test_a_limit_holds_but_for_one_prompt_and_never_cuts_one(groups: list[int], limit: int) -> None:
    found = spread(pl.DataFrame({"_group": groups}), limit)
    taken = {groups[at] for at in found if groups[at] >= 0}
    assert found
    assert len(set(found)) == len(found)
    assert all(at in found for at, group in enumerate(groups) if group in taken)
    assert len(found) <= limit or len({groups[at] for at in found}) == 1


@given(st.dictionaries(st.integers(0, 300), st.integers(1, 20000), max_size=100))
def test_batches_hold_every_row_once_and_keep_to_their_bounds(lengths: dict[int, int]) -> None:
    found = list(batches_of(lengths))
    assert sorted(at for batch in found for at in batch) == sorted(lengths)
    order = [lengths[at] for batch in found for at in batch]
    assert order == sorted(order)
    for batch in found:
        assert len(batch) <= ROWS_AT_ONCE
        assert len(batch) == 1 or len(batch) * max(lengths[at] for at in batch) <= AT_ONCE


# ---- prompts
def prompts(**columns: list[Any]) -> list[Any]:
    size = len(next(iter(columns.values())))
    return prompts_of(pl.DataFrame({"question": [None] * size, "response": ["a"] * size} | columns))


def test_messages_stand_before_the_text_of_the_question() -> None:
    assert prompts(question=["q"]) == ["q"]
    assert prompts(question=["q"], prompt=[[USER]]) == [[USER]]
    assert prompts(question=[json.dumps([USER])]) == [[USER]]
    assert prompts(question=["[{not messages"]) == ["[{not messages"]
    assert prompts(prompt=[[{**USER, "name": None}]]) == [[USER]]
    assert prompts(question=[None]) == [None]


def test_of_a_conversation_the_prompt_ends_where_the_response_begins() -> None:
    assert prompts(messages=[[USER, BOT]]) == [[USER]]
    assert prompts(messages=[[USER, BOT, USER, BOT]]) == [[USER, BOT, USER]]
    assert prompts(messages=[[USER, BOT, USER]]) == [[USER]]  # its assistant turn is the response "a"
    assert prompts(messages=[[USER, BOT, USER]], response=["other"]) == [[USER, BOT, USER]]  # an example in the prompt
    assert prompts(prompt=[[USER, BOT, USER]]) == [[USER, BOT, USER]]  # a prompt is never cut


class Letters:
    """A tokenizer that reads letters, with the token 0 before a text."""

    bos_token = "<s>"
    chat_template: str | None = None

    def __call__(self, text: str, add_special_tokens: bool = True) -> dict[str, list[int]]:
        return {"input_ids": [0] * add_special_tokens + [ord(letter) for letter in text]}

    def apply_chat_template(self, messages: list[dict[str, str]], **_: Any) -> str:
        from jinja2 import TemplateError

        if messages[0]["role"] == "system":
            raise TemplateError("no system")
        return "|".join(one["content"] for one in messages)


def test_prompts_are_written_by_the_template_or_as_text_with_one_token_before_it() -> None:
    plain, chat = Letters(), Letters()
    chat.chat_template = "there"
    assert prompt_ids(plain, "q") == ([0, ord("q")], "plain text")
    assert prompt_ids(plain, "<s>q")[0][0] == ord("<")  # it begins with the token already
    assert prompt_ids(chat, [USER, BOT]) == ([ord(letter) for letter in "q|a"], "chat template")
    assert prompt_ids(chat, "q") == ([0, ord("q")], "plain text")
    parts = [{"role": "user", "content": [{"type": "text", "text": "q"}, {"type": "text", "text": "r"}]}]
    assert prompt_ids(chat, parts)[0] == [ord("q"), ord("r")]


def test_prompts_that_a_model_cannot_be_given_say_why() -> None:
    chat = Letters()
    chat.chat_template = "there"
    with pytest.raises(UnusablePrompt, match="refuses"):
        prompt_ids(chat, [{"role": "system", "content": "s"}])
    with pytest.raises(UnusablePrompt, match="no text"):
        prompt_ids(chat, [{"role": "user", "content": [{"type": "image"}]}])
    with pytest.raises(UnusablePrompt, match="other roles"):
        prompt_ids(Letters(), [{"role": "tool", "content": "s"}])
    chat.apply_chat_template = lambda *_, **__: ""  # type: ignore[method-assign]
    with pytest.raises(UnusablePrompt, match="empty"):
        prompt_ids(chat, [USER])


# ---- tokens
@pytest.mark.parametrize("made", [byte_level, metaspace])
def test_ends_follow_the_text_whoever_cut_it(made: Any) -> None:
    tokenizer = made()
    reader = ResponseReader(tokenizer, Tagger(Lexicon.from_phrases(["let me check"]), tokenizer))
    text = "Wait, let me check: café 你好"
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    cut, recorded, stripped, other, turns = reader.read(
        [text, text, f"  {text}\n", text, f"{text}{WALL}{text}"], [None, ids, ids, ids[:-1], None]
    ).__dict__["ends"]
    assert cut == recorded
    assert stripped == [min(end + 2, len(text) + 2) for end in recorded]
    assert other == cut
    assert turns == [*cut, *(end + len(text) + len(WALL) for end in cut)]


def test_recorded_ids_count_where_they_spell_the_response() -> None:
    tokenizer = byte_level()
    reader = ResponseReader(tokenizer, Tagger(Lexicon.from_phrases(["let me check"]), tokenizer))
    eos = tokenizer.token_to_id("<eos>")
    ids = tokenizer.encode("So x = 12", add_special_tokens=False).ids
    found = reader.read(["So x = 12"] * 4, [[*ids, eos], ids[1:], None, [reader.largest + 1]])
    assert (found.recorded, found.others) == ([True, False, False, False], 2)
    assert found.ids == [[*ids, eos], ids, ids, ids]
    assert found.ends[0] == [*found.ends[1], len("So x = 12")]  # the end token spells nothing


# ---- how far off the responses are
def test_surprise_less_entropy_is_a_mean_over_tokens() -> None:
    found = Surprise()
    assert found.figures() == {"surprise": None, "entropy": None, "difference": None, "ci": None}
    found.add("a", surprise=6.0, entropy=2.0, tokens=2)
    found.add("b", surprise=1.0, entropy=3.0, tokens=3)
    figures = found.figures()
    assert (figures["surprise"], figures["entropy"], figures["ci"]) == (7 / 5, 1.0, None)  # fewer than 5 prompts
    assert figures["difference"] == pytest.approx(0.4)


def test_responses_of_the_model_itself_do_not_surprise_it_and_others_do() -> None:
    """Tokens drawn from a known distribution: -log p less the entropy has mean 0, and not where a colder one was drawn from."""
    p = np.array([0.7, 0.2, 0.1])
    cold = p**3 / (p**3).sum()
    entropy = -(p * np.log(p)).sum()
    draws = np.random.default_rng(0)
    for drawn_from, inside in ((p, True), (cold, False)):
        found = Surprise()
        for prompt in range(400):
            tokens = draws.choice(3, 20, p=drawn_from)
            found.add(prompt, float(-np.log(p[tokens]).sum()), 20 * entropy, 20)
        low, high = found.figures()["ci"]
        assert (low <= 0 <= high) == inside


def test_responses_to_one_prompt_are_one_draw() -> None:
    several, one = Surprise(), Surprise()
    for prompt in range(6):
        for _ in range(10):
            several.add(prompt, float(prompt), 1.0, 1)
        one.add(prompt, 10.0 * prompt, 10.0, 10)
    assert several.figures() == one.figures()
    assert one.figures()["ci"][0] < one.figures()["difference"] < one.figures()["ci"][1]
