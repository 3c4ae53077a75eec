"""Conversations: which turns are the response, what stands between them, and that nothing matches across."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hicra import Lexicon, Tagger, corpus
from hicra.corpus.turns import REASONING, WALL
from hicra.mining.counting.words import split_words
from hicra.tagging import RowTagger
from tokenizers_made import byte_level, metaspace, wordpiece

ASKED = {"role": "user", "content": "q"}


def said(*turns: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "assistant", **turn} for turn in turns]


def read(tmp_path: Path, row: dict[str, Any]) -> dict[str, Any]:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    return corpus.read(path).rows.to_dicts()[0]


@pytest.mark.parametrize("field", REASONING)
def test_reasoning_comes_before_content(tmp_path: Path, field: str) -> None:
    row = read(tmp_path, {"messages": [ASKED, *said({"content": "4", field: "2 and 2"})]})
    assert (row["response"], row["question"]) == (f"2 and 2{WALL}4", "q")


def test_every_turn_of_the_assistant_in_order_and_nobody_elses(tmp_path: Path) -> None:
    one, two, three = said({"content": "a", "tool_calls": [{}]}, {"content": "", "thinking": "b"}, {"content": None})
    messages = [{"role": "system", "content": "s"}, ASKED, one, {"role": "tool", "content": "t"}, two, ASKED, three]
    for field in ("messages", "response", "completion"):
        assert read(tmp_path, {field: messages, "correct": True})["response"] == f"a{WALL}b"


def test_parts_of_one_content_are_joined_and_thoughts_among_them_stand_alone(tmp_path: Path) -> None:
    parts = [
        {"type": "text", "text": "so "},
        {"type": "text", "text": "it"},
        {"type": "image", "url": "x"},
        {"type": "thinking", "thinking": "hm"},
        {"type": "text", "text": "is"},
    ]
    assert read(tmp_path, {"messages": said({"content": parts})})["response"] == f"so it{WALL}hm{WALL}is"


def test_a_prompt_of_messages_is_its_first_user_turn(tmp_path: Path) -> None:
    prompt = [{"role": "system", "content": "s"}, ASKED, *said({"content": "a"}), {"role": "user", "content": "later"}]
    assert read(tmp_path, {"response": "a", "prompt": prompt})["question"] == "q"
    assert read(tmp_path, {"response": "a", "question": prompt})["question"] == "q"


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([ASKED], "holds no assistant message with text"),
        ([*said({"content": 5})], "the content of a message in messages must be a string or a list of parts"),
        ([{"content": "a"}], "a message without a role"),
    ],
)
def test_conversations_without_a_response_are_bad(tmp_path: Path, messages: Any, reason: str) -> None:
    with pytest.raises(corpus.BadLine, match=reason):
        read(tmp_path, {"messages": messages})


# ---- no span crosses from one turn to the next
LEXICON = Lexicon.from_phrases(["let me check", "check", "me"])
PARTED = f"So let me{WALL}check. It is so."


def test_no_gram_matches_across_turns_in_text() -> None:
    found = [gram for _, _, gram in Tagger(LEXICON).spans(PARTED)]
    assert found == ["me", "check"]
    assert [gram for _, _, gram in Tagger(LEXICON).spans(PARTED.replace(WALL, " "))] != found


@pytest.mark.parametrize("family", [byte_level, metaspace, wordpiece])
def test_no_gram_matches_across_turns_in_tokens(tmp_path: Path, family: Any) -> None:
    tokenizer = family()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    tagger = RowTagger(LEXICON, str(tmp_path))
    grams = Lexicon.from_phrases(["let me check"])
    alone = RowTagger(grams, str(tmp_path))
    first, second = PARTED.split(WALL)
    count = sum(len(tokenizer.encode(text, add_special_tokens=False)) for text in (first, second))
    found = tagger.tag([PARTED])
    assert int(found.live.sum()) == count  # the tokens of each turn, and none between them
    assert 0 < int(found.planning.sum()) < count
    assert not alone.tag([PARTED]).planning.any()
    assert alone.tag([PARTED.replace(WALL, " ")]).planning.any()


def test_given_ids_are_parted_where_the_turns_are(tmp_path: Path) -> None:
    """The ids of a chat template run from one turn to the next; they are parted before the token with the second one's start."""
    tokenizer = byte_level()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    alone = RowTagger(Lexicon.from_phrases(["let me check"]), str(tmp_path))
    ids = tokenizer.encode("So let me").ids + tokenizer.encode(" check. It is so.").ids
    assert alone.tag(["So let me check. It is so."], [ids]).planning.any()
    parted = alone.tag([f"So let me{WALL}check. It is so."], [ids])
    assert not parted.planning.any()
    assert int(parted.live.sum()) == len(ids)


def test_sentences_and_mined_words_end_with_a_turn() -> None:
    by_sentence = Tagger(Lexicon.from_phrases(["let me"]), unit="sentence").spans(f"so let me{WALL}check it. No.")
    assert [(start, end) for start, end, _ in by_sentence] == [(0, 9)]
    words = split_words(f"so $x{WALL}and y$ then")
    assert words.index("and") > words.index("so") + 1
    assert "then" in words  # a formula that one turn leaves open does not swallow the next
