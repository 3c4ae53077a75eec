"""Environments are opened by name, a task is gone on from behind each stretch, and an adapter searches the shortest way."""

from __future__ import annotations

import sys
from collections.abc import Hashable, Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from environments_played import replay
from hicra.errors import ConfigError, DataError
from hicra.related.environments import Reply
from hicra.related.environments.adapter import Searched
from hicra.related.environments.from_task import FromTask
from hicra.related.environments.open import ENVIRONMENTS, open_environment
from hicra.tasks.plan_execute import PlanExecute
from hicra.tasks.plan_execute.language import VOCABULARY
from hicra.tasks.plan_execute.problems import OPERATORS

OTHER = [word for word in VOCABULARY[4:] if word != "answer"]


class Steps(Searched):
    """A number that is doubled or lowered by one, from 1 to the seed; at 0 and from 64 on the episode ends without reward."""

    def __init__(self, longest: int = 20) -> None:
        super().__init__("steps", ["at", "double", "lower", "turn"], longest, {"longest": longest})

    def _begin(self, seed: int) -> str:
        self.goal, self.at = seed, 1
        return f"goal {seed} ."

    def _act(self, text: str) -> bool:
        self.at = {"double": self.at * 2, "lower": self.at - 1}.get(text, self.at)
        return text in ("double", "lower", "turn")

    def _paid(self) -> float | None:
        return 1.0 if self.at == self.goal else 0.0 if not 0 < self.at < 64 else None

    def _seen(self) -> str:
        return f"at {self.at}"

    def _world(self) -> Any:
        return self.at

    def _go_to(self, seed: int, world: Any) -> None:
        self.goal, self.at = seed, world

    def _identity(self) -> Hashable:
        return self.goal, self.at

    def _choices(self) -> Sequence[str]:
        return ["turn", "double", "lower"]


def test_the_search_finds_a_shortest_way() -> None:
    """1 2 4 8 7 14 13. The last action to an odd number lowers 14, which is 2 x 7, and 7 lowers 8: no way is shorter."""
    environment = Steps()
    assert environment.reset(13) == "goal 13 . at 1"
    way = []
    while True:
        way.append(environment.expert())
        step = environment.step(way[-1])
        if step.done:
            break
    assert way == ["double", "double", "double", "lower", "double", "lower"]
    assert step.reward == 1


def test_actions_that_change_nothing_are_left_out_and_those_that_end_are_not() -> None:
    environment = Steps()
    environment.reset(13)
    assert environment.actions() == ["double", "lower"]  # to lower from 1 ends the episode
    step = environment.step("lower")
    assert (step.reward, step.done, step.text) == (0, True, "")
    assert environment.actions() == []


def test_where_success_is_out_of_reach_the_demonstrator_says_so_and_leaves_the_state() -> None:
    environment = Steps()
    environment.reset(200)  # the largest number that can be reached is 126
    before = environment.save()
    with pytest.raises(DataError, match="no way to success was found"):
        environment.expert()
    assert environment.save() == before


def test_words_are_each_listed_once() -> None:
    assert Steps().words == ("not", "understood", ".", "at", "double", "lower", "turn")


def test_the_clock_ends_an_episode_without_reward() -> None:
    environment = Steps(longest=2)
    environment.reset(9)
    assert not environment.step("turn").done
    step = environment.step("turn")
    assert (step.done, step.reward, step.text) == (True, 0, "")
    assert environment.state_id() == "ended"


SIGNS = {"+": int.__add__, "-": int.__sub__, "*": int.__mul__}


def answer(row: dict[str, Any]) -> str:
    """The response that the task asks for: a plan that reaches the goal, its two equations and the check, all modulo 20."""
    language, (a, b, c, goal) = PlanExecute().language, (row[name] for name in ("a", "b", "c", "goal"))
    for body, (first, second) in zip(language.bodies, OPERATORS, strict=True):
        x = SIGNS[first](a, b) % 20
        if SIGNS[second](x, c) % 20 == goal:
            work = f"{a} {first} {b} = {x} ; {x} {second} {c} = {goal} ; {goal} - {goal} = 0 ;"
            return f"{language.openers[0]} {body[0]} {work} {language.success[0]} answer {goal}"
    raise AssertionError("no plan reaches the goal")


def test_a_task_scores_the_whole_response_however_it_is_cut() -> None:
    row = PlanExecute().rows("train", 4)[3]
    *before, said, goal = answer(row).split()
    for size in (1, 4, 7, len(before)):
        environment = FromTask(problems=4, until="answer")
        assert environment.reset(3) == row["prompt"]
        for at in range(0, len(before), size):
            step = environment.step(" ".join(before[at : at + size]))
            assert (step.reward, step.done, step.text) == (0, False, "")
        step = environment.step(f"{said} {goal}")
        assert (step.reward, step.done, step.text) == (1, True, "")


def test_without_a_word_for_the_end_every_response_is_one_action() -> None:
    environment = FromTask(problems=4)
    for seed, row in enumerate(PlanExecute().rows("train", 4)):
        environment.reset(seed)
        assert environment.step(answer(row)) == Reply("", 1.0, True)
        environment.reset(seed + 1)
        assert environment.step(answer(row)).reward == 0  # another problem's


def test_a_response_in_lines_is_over_with_the_line_that_answers() -> None:
    environment = FromTask(problems=4, until="answer")
    words = answer(PlanExecute().rows("train", 4)[2])
    lines = words.replace(" ; ", " ;\n").split("\n")
    assert len(lines) == 4  # plan and first equation, second equation, check, reflection and answer
    environment.reset(2)
    steps = [environment.step(line) for line in lines]
    assert [(step.reward, step.done) for step in steps] == [(0, False), (0, False), (0, False), (1, True)]
    environment.reset(2)
    assert environment.step("answers are hard").done is False  # the word alone, not a part of one


def test_a_response_that_the_clock_ends_has_no_end() -> None:
    words = answer(PlanExecute().rows("train", 4)[0])
    environment = FromTask(problems=4, until="thanks", longest=1)
    environment.reset(0)
    step = environment.step(words)  # right, but for the end
    assert (step.reward, step.done) == (0, True)


@settings(max_examples=30)
@given(seed=st.integers(0, 20), words=st.lists(st.sampled_from(OTHER), min_size=1, max_size=12), data=st.data())
def test_a_prefix_is_gone_on_from_in_the_same_way(seed: int, words: list[str], data: st.DataObject) -> None:
    one, other = FromTask(problems=4, until="answer"), FromTask(problems=4, until="answer")
    cut = data.draw(st.integers(0, len(words)))
    one.reset(seed)
    for word in words[:cut]:
        one.step(word)
    saved, state = one.save(), one.state_id()
    rest = replay(one, [*words[cut:], "answer 3"])
    assert rest[-1][0].done
    other.reset(seed + 1)
    other.restore(saved)
    assert other.state_id() == state
    assert replay(other, [*words[cut:], "answer 3"]) == rest


def test_the_state_of_a_task_is_what_is_written_not_how_it_was_cut() -> None:
    environment = FromTask(problems=4, until="answer")
    environment.reset(1)
    environment.step("let us")
    two = environment.state_id()
    environment.reset(5)  # four problems: number 5 is number 1
    environment.step("let")
    environment.step("us")
    assert environment.state_id() == two
    environment.reset(2)
    environment.step("let us")
    assert environment.state_id() != two


def test_even_seeds_and_odd_seeds_share_no_problem() -> None:
    environment = FromTask(problems=7)
    first = [{environment.reset(seed) for seed in range(start, 40, 2)} for start in (0, 1)]
    assert [len(one) for one in first] == [3, 3]
    assert not first[0] & first[1]
    assert len({FromTask(problems=1).reset(seed) for seed in range(4)}) == 1


def test_the_words_of_a_task_hold_its_prompts() -> None:
    environment = FromTask()
    for seed in range(200):
        assert set(environment.reset(seed).split()) <= set(environment.words)


def test_messages_are_read_as_their_texts_and_free_text_is_put_together_as_it_stands() -> None:
    environment = FromTask(task="arithmetic", task_settings={"shots": 0}, problems=2, until="Done.")
    first = environment.reset(0)
    assert first.startswith("Think step by step briefly. End with \\boxed{answer}.\n\nWhat is ")
    question = first.split("What is ")[1].removesuffix("?\n")
    left, sign, right = question.split()
    value = str(int(left) + int(right) if sign == "+" else int(left) * int(right))
    assert not environment.step("It is \\box").done
    assert environment.step(f"ed{{{value}}}. Done.").reward == 1
    assert environment.words == ("not", "understood", ".")


def test_what_a_task_cannot_do_here_is_named() -> None:
    with pytest.raises(ConfigError, match="the policy may call functions in calculator"):
        FromTask(task="calculator")
    with pytest.raises(ConfigError, match="no task 'plan_exekute'"):
        FromTask(task="plan_exekute")
    environment = FromTask(problems=2)
    environment.reset(0)
    environment.step("so")
    with pytest.raises(DataError, match="ended after 1 actions"):
        environment.step("on")


def test_environments_are_opened_by_name_with_all_their_settings() -> None:
    make, whole = open_environment("task", {"problems": 7})
    whole_ones = {"task": "plan_execute", "task_settings": {}, "split": "train", "until": "", "longest": 64}
    assert whole == {**whole_ones, "problems": 7}
    assert make().name == "task"
    assert make() is not make()


def test_what_is_wrong_with_a_name_or_a_setting_is_said_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"no environment 'mini_grid'\n  fix: did you mean 'minigrid'"):
        open_environment("mini_grid", {})
    with pytest.raises(ConfigError, match="name one of chain, hcraft"):
        open_environment(None, {})
    with pytest.raises(ConfigError, match=r"task.settings.problem: task has no setting 'problem'\n  fix: did you mean"):
        open_environment("task", {"problem": 7})
    with pytest.raises(ConfigError, match=r"task.settings.problems: .*greater than or equal to 1"):
        open_environment("task", {"problems": 0})
    with pytest.raises(ConfigError, match=r"task.settings.problems: .*valid integer"):
        open_environment("task", {"problems": "7"})


@pytest.mark.parametrize(
    ("name", "package"), [("hcraft", "hcraft"), ("minigrid", "minigrid"), ("textworld", "textworld")]
)
def test_a_package_that_is_missing_is_named_with_what_installs_it(
    monkeypatch: pytest.MonkeyPatch, name: str, package: str
) -> None:
    for module in [one for one in sys.modules if one.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)  # as if it were not installed
    place = ENVIRONMENTS[name][0].split(":")[0]
    for module in (place, "hicra.related.environments.workshop"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    with pytest.raises(ConfigError, match=rf"{name} needs {package}.*\n  fix: pip install .*\[{name}\]"):
        open_environment(name, {})


def test_every_random_walk_ends_where_it_says() -> None:
    """Random play of the toy world pays exactly where it stands at the goal."""
    environment, random = Steps(), Random(0)
    for _ in range(50):
        environment.reset(7)
        step = environment.step("turn")
        while not step.done:
            step = environment.step(random.choice(environment.actions()))
        assert (step.reward == 1) == (environment.at == 7)
