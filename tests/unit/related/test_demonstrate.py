"""Demonstrations are what an agent would read and an expert write, for each kind of agent."""

from __future__ import annotations

from typing import Any

import pytest

from agents_made import CODEC, Errands, Shown
from hicra.errors import ConfigError
from hicra.related.agents.blueprint import parse
from hicra.related.agents.demonstrate import demonstrations


def shown(kind: Any, seeds: int = 1, **settings: Any) -> list[str]:
    """The rows as text, with what is to be learnt in capitals."""
    texts = []
    for row in demonstrations(Shown(30), range(seeds), CODEC, kind, **settings):
        words = [CODEC.known[i].upper() if live else CODEC.known[i] for i, live in zip(row.ids, row.live, strict=True)]
        texts.append(f"{CODEC.decode(row.context)} | {' '.join(words)}")
    return texts


def test_each_kind_of_agent_is_shown_its_own_prompts() -> None:
    assert shown("flat") == ["errands act: | KEY <END> done: 1 act: DOOR <END> done: 2 act: GOLD <END>"]
    assert shown("two_levels") == [
        "errands plan: | KEY ; DOOR ; GOLD <END>",
        "errands goal: key act: | KEY <SUB_DONE> <END>",
        "errands done: 1 goal: door act: | DOOR <SUB_DONE> <END>",
        "errands done: 2 goal: gold act: | GOLD <END>",
    ]
    assert shown("keep_or_change") == [
        "errands subgoal: | KEY <END> act: KEY <END> done: 1 switch: CHANGE <END> subgoal: DOOR <END> act: DOOR <END> "
        "done: 2 switch: CHANGE <END> subgoal: GOLD <END> act: GOLD <END>"
    ]


def test_a_careless_expert_strays_as_its_seed_says() -> None:
    some = shown("flat", 20, careless=0.4)
    waits = sum(text.count("WAIT") for text in some)
    # 60 useful actions, and 0.4 / 0.6 useless ones for each: about 40
    assert 20 < waits < 60
    assert shown("flat", 20, careless=0.4) == some
    assert shown("flat", 20, careless=0.4, seed=1) != some
    kept = shown("keep_or_change", 20, careless=0.4)
    assert sum(text.count("KEEP") for text in kept) == sum(text.count("WAIT") for text in kept)


def test_a_careless_plan_is_out_of_order_and_executed_in_order() -> None:
    some = shown("two_levels", 40, careless_plan=0.5)
    plans = [text.split(" | ")[1].removesuffix(" <END>").lower() for text in some if " plan: " in text]
    right = sum(plan == "key ; door ; gold" for plan in plans)
    # half are right, and of the others one in 3 * 6: subsets of 1, 2 or 3 alike, and 6 orders of 3
    assert len(plans) == 40
    assert 10 < right < 32
    assert all(parse(plan, 3).why == "" for plan in plans)
    assert len(some) == 40 * 4
    assert {text.split(" | ")[0] for text in some if " plan: " not in text} == {
        "errands goal: key act:", "errands done: 1 goal: door act:", "errands done: 2 goal: gold act:",
    }  # fmt: skip


def test_a_world_without_an_expert_is_named() -> None:
    with pytest.raises(ConfigError, match=r"the environment errands has no 'subgoals'"):
        list(demonstrations(Errands(), [1], CODEC, "two_levels"))
    with pytest.raises(ConfigError, match=r"the environment errands has no 'expert'"):
        list(demonstrations(Errands(), [1], CODEC, "flat"))
