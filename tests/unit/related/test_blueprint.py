"""What a blueprint is, and what is none and stands for the task itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hicra.related.agents.blueprint import TASK, parse, read, render
from hicra.related.agents.words import FRAME
from hicra.related.rollouts import Action


def test_subgoals_come_in_order_with_single_spaces() -> None:
    for text in (
        "plan: fetch the  key ; open\nthe door",
        "fetch the key ; open the door",
        " fetch the key;open the door ",
    ):
        assert parse(text, 8).subgoals == ("fetch the key", "open the door")
        assert parse(text, 8).why == ""


def test_the_answers_of_hiper_are_plain_words_in_a_subgoal() -> None:
    assert parse("keep the lamp ; change the room", 8).subgoals == ("keep the lamp", "change the room")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is empty"),
        ("plan:", "it is empty"),
        ("key ; ; door", "subgoal 2 of 3 is empty"),
        ("key ;", "subgoal 2 of 2 is empty"),
        ("a ; b ; c ; d", "it has 4 subgoals, more than 3"),
        ("key ; plan: door", "subgoal 2 of 2 holds 'plan:'"),
        ("key <sub_done>", "subgoal 1 of 1 holds '<sub_done>'"),
        ("key ; the <unk>", "subgoal 2 of 2 holds '<unk>'"),
    ],
)
def test_what_is_no_blueprint_is_the_task_itself_and_says_why(text: str, why: str) -> None:
    found = parse(text, 3)
    assert (found.subgoals, found.why) == ((TASK,), why)


def test_a_blueprint_without_an_end_is_none() -> None:
    cut = Action((5, 6, 7), "key ; door", False, (0.0,) * 3, (0.0,) * 3)
    assert read(cut, 8).why == "it has no end within 3 tokens"
    assert read(Action((5, 0), "key", True, (0.0,) * 2, (0.0,) * 2), 8).subgoals == ("key",)


WORD = st.text(st.characters(blacklist_categories=("Z", "C"), blacklist_characters=";<"), min_size=1, max_size=6)
SUBGOAL = st.lists(WORD.filter(lambda word: word not in FRAME and len(word.split()) == 1), min_size=1, max_size=4)


@given(st.lists(SUBGOAL.map(" ".join), min_size=1, max_size=5))
def test_what_is_rendered_is_read_again(subgoals: list[str]) -> None:
    assert parse(render(subgoals), 5).subgoals == tuple(subgoals)
    assert parse(f"plan: {render(subgoals)}", 5).subgoals == tuple(subgoals)


@given(st.text(max_size=40), st.integers(1, 4))
def test_any_text_gives_subgoals_that_can_stand_in_a_prompt(text: str, most: int) -> None:
    found = parse(text, most)
    assert 1 <= len(found.subgoals) <= most
    assert (found.subgoals == (TASK,)) == bool(found.why)
    assert not {*FRAME} & {word for one in found.subgoals for word in one.split()}
