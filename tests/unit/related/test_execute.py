"""Episodes of agents, token for token: what is read, what is written, and where the pointer stands."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from agents_made import CODEC, ERRANDS, Errands, Knowing, Script
from hicra.errors import ConfigError
from hicra.related.agents.execute import Manner, Numbering, Played, execute, split_off
from hicra.related.rollouts import drive

NEXT = {"errands": "key", "0": "key", "1": "door", "2": "gold"}


def newest(context: str) -> str:
    """The last word of the context that says how far the errands are."""
    return next(word for word in reversed(context.split()) if word in NEXT)


def played(
    say: Callable[[str, bool], str],
    manner: Manner,
    *subgoals: str,
    world: type[Errands] = Errands,
    greedy: bool = False,
) -> tuple[Played, Script]:
    script = Script(say)
    episode = execute(world(), 3, CODEC, manner, subgoals or ("",), states=Numbering(), episode=7, greedy=greedy)
    return drive([episode], script)[0], script


def texts(one: Played) -> list[tuple[str, str]]:
    """The context of each row, and what follows with written words in capitals."""
    shown = []
    for row in one.rows:
        words = [CODEC.known[i].upper() if live else CODEC.known[i] for i, live in zip(row.ids, row.live, strict=True)]
        shown.append((CODEC.decode(row.context), " ".join(words)))
    return shown


def test_a_flat_episode_is_one_row() -> None:
    one, script = played(lambda context, _: NEXT[newest(context)], Manner(4))
    assert texts(one) == [("errands act:", "KEY <END> done: 1 act: DOOR <END> done: 2 act: GOLD <END>")]
    assert (one.reward, one.success, one.actions, one.written, one.invalid) == (1.0, True, 3, 3, 0)
    row = one.rows[0]
    assert row.fields["turn_ids"] == [0, 0, -1, -1, -1, 1, 1, -1, -1, -1, 2, 2]
    assert row.fields["state_ids"] == row.fields["action_ids"] == row.fields["turn_ids"]  # three states, seen in order
    assert row.fields["level_ids"] == [0, 0, -1, -1, -1, 0, 0, -1, -1, -1, 0, 0]
    assert row.fields["episode_ids"] == [7, 7, -1, -1, -1, 7, 7, -1, -1, -1, 7, 7]
    assert "critical_mask" not in row.fields
    assert [asked.greedy for _, asked in script.asked] == [False] * 3
    assert {asked.most for _, asked in script.asked} == {4}


def test_a_thought_has_a_level_of_its_own_and_the_action_follows_it() -> None:
    def say(context: str, greedy: bool) -> str:
        return NEXT[newest(context)] if context.endswith("wait") else "wait"

    one, script = played(say, Manner(4, thought=9), world=Knowing, greedy=True)
    assert texts(one)[0][0] == "errands think:"
    assert texts(one)[0][1].startswith("WAIT <END> KEY <END> done: 1 think: WAIT <END> DOOR <END>")
    row = one.rows[0]
    assert row.fields["level_ids"][:4] == [2, 2, 0, 0]
    assert row.fields["action_ids"][:4] == [0, 0, 1, 1]
    assert row.fields["turn_ids"][:4] == [0] * 4
    assert [asked.most for _, asked in script.asked] == [9, 4] * 3
    assert all(asked.greedy for _, asked in script.asked)
    assert (one.actions, one.written) == (3, 6)
    assert [bool(flag) for flag in row.fields["critical_mask"]] == [turn == 2 for turn in row.fields["turn_ids"]]


def test_sub_done_moves_on_and_the_past_is_out_of_sight() -> None:
    one, script = played(lambda context, _: f"{NEXT[newest(context)]} <sub_done>", Manner(4, 0, 9, True), *ERRANDS)
    assert texts(one) == [
        ("errands goal: key act:", "KEY <SUB_DONE> <END>"),
        ("errands done: 1 goal: door act:", "DOOR <SUB_DONE> <END>"),
        ("errands done: 2 goal: gold act:", "GOLD <SUB_DONE> <END>"),
    ]
    assert [(part.subgoal, part.ended, part.actions) for part in one.segments] == [
        ("key", "sub_done", 1), ("door", "sub_done", 1), ("gold", "end", 1),
    ]  # fmt: skip
    assert [row.fields["turn_ids"][0] for row in one.rows] == [0, 1, 2]
    assert one.success
    assert one.invalid == 0
    assert len(script.asked) == 3


@pytest.mark.parametrize(
    ("text", "left"),
    [("go hill <sub_done>", "go hill"), ("go hill<sub_done>", "go hill"), ("<sub_done>go  hill", "go hill"), ("<sub_done>", "")],
)  # fmt: skip
def test_sub_done_is_seen_where_a_tokenizer_puts_no_space_before_it(text: str, left: str) -> None:
    assert split_off(text) == (left, True)
    assert split_off("go  hill\n") == ("go  hill\n", False)  # what does not hold it is handed on as it is


def test_the_past_can_stay_in_sight() -> None:
    one, _ = played(lambda context, _: f"{NEXT[newest(context)]} <sub_done>", Manner(4, 0, 9, True, True), *ERRANDS)
    assert texts(one) == [(
        "errands goal: key act:",
        "KEY <SUB_DONE> <END> done: 1 goal: door act: DOOR <SUB_DONE> <END> done: 2 goal: gold act: GOLD <SUB_DONE> <END>",
    )]  # fmt: skip


def test_a_model_that_never_writes_sub_done_is_moved_on_by_the_budget() -> None:
    one, _ = played(lambda context, _: "wait", Manner(4, 0, 2, True), *ERRANDS)
    # six actions in all: two for each of the first two subgoals, and what is left for the last one
    assert [(part.ended, part.actions) for part in one.segments] == [("budget", 2), ("budget", 2), ("end", 2)]
    assert (one.success, one.actions, one.invalid) == (False, 6, 0)
    assert texts(one)[1][0] == "errands done: 0 goal: door act:"


def test_sub_done_alone_costs_no_action_of_the_environment() -> None:
    def say(context: str, greedy: bool) -> str:
        return "<sub_done>" if "goal: key" in context or "goal: door" in context else NEXT[newest(context)]

    one, _ = played(say, Manner(4, 0, 9, True), *ERRANDS)
    assert [(part.ended, part.actions) for part in one.segments] == [("sub_done", 0), ("sub_done", 0), ("end", 3)]
    assert (one.actions, one.written, one.success) == (3, 5, True)
    assert texts(one)[2][0] == "errands goal: gold act:"


def test_the_last_subgoal_lasts_until_the_episode_ends_whatever_is_written() -> None:
    one, _ = played(lambda context, _: "<sub_done>", Manner(4, 0, 1, True), "key")
    # the environment gets six empty actions, which it does not understand, and ends the episode
    assert (one.actions, one.invalid, [part.ended for part in one.segments]) == (6, 6, ["end"])


def test_without_sub_done_the_word_is_part_of_the_action_and_the_budget_moves() -> None:
    one, _ = played(lambda context, _: f"{NEXT[newest(context)]} <sub_done>", Manner(4, 0, 3, False), "key", "door")
    assert [part.ended for part in one.segments] == ["budget", "end"]
    assert one.invalid == 6


def test_an_episode_is_shown_by_its_subgoals() -> None:
    one, _ = played(lambda context, _: f"{NEXT[newest(context)]} <sub_done>", Manner(4, 0, 9, True), *ERRANDS)
    assert one.told() == [
        "goal: key\n> key <sub_done>\ndone: 1\n(sub_done)",
        "goal: door\n> door <sub_done>\ndone: 2\n(sub_done)",
        "goal: gold\n> gold <sub_done>\n(end)",
    ]


def test_agents_play_worlds_that_cannot_be_saved() -> None:
    with pytest.raises(ConfigError, match="cannot be saved"):
        Errands().save()
    assert played(lambda context, _: NEXT[newest(context)], Manner(4))[0].success
