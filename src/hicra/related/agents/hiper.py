"""HiPER: at each step the policy keeps its subgoal or changes it, and then acts (Peng et al. 2026, arXiv:2602.16165).

A step is up to three decisions, each written after its own cue: keep or change (`switch_mask`), the new subgoal if it changes
(`subgoal_mask`), and the action. The first step has no subgoal to keep, so it begins with one. The whole episode is one row.

The values that the advantage needs come from the group, since there is no critic: `group_values` says how.

What is certain: the three kinds of decisions and the advantage (`hicra.credit.baselines.hiper`), from the authors' code. What
is a reconstruction: texts and values.

Deviations:
HIPER-6. In the authors' code the policy repeats its subgoal when it keeps it, and is punished where it repeats it wrongly. Here
    it repeats nothing.
HIPER-7. Their penalties for keeping and for actions that are not understood are left out.
HIPER-8. What is neither `keep` nor `change` keeps the subgoal, and is counted (`unclear_switches`).
HIPER-9. A value is the mean reward of the other episodes of the group that took a decision of that kind in that state: of a new
    subgoal all that were there, of keep or change those with the same old subgoal, of an action those with the same subgoal.
    Where there is none it is the mean reward of the other episodes. Each reward is discounted by `gamma` for every step from that
    decision to the end of its episode; where there was no such decision, from the step of the same number. An episode's own
    reward never counts. At the end of a subgoal its actions get such a value in place of the reward, so where few episodes pass
    there it is a poor guess. The authors train a critic with one head for each kind.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from hicra.related.agents.acting import Agent, made_of
from hicra.related.agents.execute import Manner, Numbering, Played, SubgoalSegment, act, fields_of, prompt
from hicra.related.agents.flat import FlatSettings
from hicra.related.agents.stage import Stage
from hicra.related.agents.words import (
    ACT,
    CHANGE,
    EXECUTION_LEVEL,
    GOAL,
    KEEP,
    PLAN_LEVEL,
    SUBGOAL,
    SWITCH,
    THINK,
    THOUGHT_LEVEL,
)
from hicra.related.environments import Environment
from hicra.related.rollouts import Action, Asked, Rollout, Row, drive
from hicra.related.system import Arena, Codec, Generated
from hicra.strict import Flat, Positive, Share


class HiPERSettings(FlatSettings):
    """The settings of HiPER."""

    subgoal_tokens: Positive = Field(default=8, description="The most tokens of a subgoal, its end token included.")
    gamma: Annotated[float, Field(gt=0, le=1)] = Field(default=1.0, description="Discount of each step.")
    lam_turn: Share = Field(default=1.0, description="Lambda of the advantage inside a subgoal.")
    lam_seg: Share = Field(default=0.95, description="Lambda of the advantage across subgoals.")
    scale: Literal["none", "std"] = Field(default="std", description="Of the advantages, as the baseline hiper has it.")


@dataclass
class KeptOrChanged(Played):
    """An episode with what each of its decisions was taken in.

    Attributes:
        decisions: for each `action_ids` of the row, what decisions are compared by: the kind, the state and the subgoal.
        turns: the step of each decision, from 0.
        unclear: decisions that were neither keep nor change.
    """

    decisions: list[Hashable] = field(default_factory=list)
    turns: list[int] = field(default_factory=list)
    unclear: int = 0


class HiPER(Agent):
    """Keeps or changes a subgoal at each step.

    Args:
        settings: those of `Settings`.
    """

    Settings: ClassVar[type[Flat]] = HiPERSettings

    def __init__(self, **settings: Any) -> None:
        self.settings: HiPERSettings = HiPERSettings(**settings)
        chosen = self.settings
        formula = {name: getattr(chosen, name) for name in ("gamma", "lam_turn", "lam_seg", "scale")}
        self.baseline: tuple[str, dict[str, Any]] = ("hiper", formula)

    def play(self, place: Arena, seeds: Sequence[int], greedy: bool = False) -> Generated:
        """Plays one episode a seed."""
        return self._made(self._played(Stage(place), seeds, greedy), range(len(seeds)))

    def generations(self, place: Arena, seeds: Sequence[int], step: int) -> Iterator[Generated]:
        """Yields the one generation of a step, with `values` from its groups."""
        size = self.settings.group_size
        played = self._played(Stage(place), [seed for seed in seeds for _ in range(size)])
        for start in range(0, len(played), size):
            group_values(played[start : start + size], self.settings.gamma)
        yield self._made(played, [number // size for number in range(len(played))])

    def _played(self, stage: Stage, seeds: Sequence[int], greedy: bool = False) -> list[KeptOrChanged]:
        manner = Manner(stage.place.most, self.settings.thought_tokens)
        rollouts = [
            keep_or_change(
                environment, seed, stage.place.codec, manner, self.settings.subgoal_tokens,
                states=stage.states, episode=stage.episode(), greedy=greedy,
            )
            for environment, seed in zip(stage.environments(len(seeds)), seeds, strict=True)
        ]  # fmt: skip
        return drive(rollouts, stage.place.policy)

    def _made(self, played: Sequence[KeptOrChanged], groups: Sequence[int]) -> Generated:
        made = made_of(played, groups)
        made.figures["unclear_switches"] = sum(one.unclear for one in played) / max(len(played), 1)
        made.figures["subgoals"] = sum(len(one.segments) for one in played) / max(len(played), 1)
        return made


def keep_or_change(
    environment: Environment,
    seed: int,
    codec: Codec,
    manner: Manner,
    subgoal_tokens: int,
    *,
    states: Numbering,
    episode: int = 0,
    greedy: bool = False,
) -> Rollout[KeptOrChanged]:
    """Plays one episode; its row has turn_ids, episode_ids, state_ids, level_ids, subgoal_mask and switch_mask.

    Args:
        environment: it is reset first.
        seed: of the episode.
        codec: of the policy.
        manner: how the agent acts; what concerns blueprints is not used.
        subgoal_tokens: the most tokens of a subgoal, and of keep or change.
        states: numbers of the environment's states, shared by the episodes of a batch.
        episode: its number in the batch.
        greedy: whether the likeliest token is taken each time.
    """
    first = environment.reset(seed)
    cue = THINK if manner.thought else ACT
    row = Row(tuple(codec.encode(prompt(first, SUBGOAL))))
    played = KeptOrChanged([row])
    subgoal, newest, done, turn = "", "", False, 0
    kept: list[int] = []  # ids of the subgoal, which is read again as it was written, known words or not
    while not done:
        told = fields_of(environment, states, turn, episode)
        state, changes = int(told["state_ids"]), turn == 0
        if turn:
            row.read(codec.encode(prompt(newest, SWITCH)))
            (switch,) = yield [Asked(row.seen, subgoal_tokens, greedy)]
            _decide(played, switch, (SWITCH, state, subgoal), level_ids=PLAN_LEVEL, switch_mask=True, **told)
            changes, unclear = switch.text.split() == [CHANGE], switch.text.split() not in ([CHANGE], [KEEP])
            played.unclear += unclear
            if changes:
                row.read(codec.encode(SUBGOAL))
        if changes:
            (wish,) = yield [Asked(row.seen, subgoal_tokens, greedy)]
            _decide(played, wish, (SUBGOAL, state), level_ids=PLAN_LEVEL, subgoal_mask=True, **told)
            subgoal = " ".join(wish.text.split())
            kept = [*codec.encode(GOAL), *(one for one in wish.ids if one not in (codec.end, codec.pad))]
            if played.segments:
                played.segments[-1].ended = "change"
            played.segments.append(SubgoalSegment(subgoal))
        row.read([*([] if changes else kept), *codec.encode(cue)])
        if manner.thought:
            (thought,) = yield [Asked(row.seen, manner.thought, greedy)]
            _decide(played, thought, (ACT, state, subgoal), f"{THINK} ", level_ids=THOUGHT_LEVEL, **told)
        (action,) = yield [Asked(row.seen, manner.action, greedy)]
        _decide(played, action, (ACT, state, subgoal), "", level_ids=EXECUTION_LEVEL, **told)
        step = act(environment, action.text, played)
        newest, done, turn = step.text, step.done, turn + 1
    return played


def _decide(
    played: KeptOrChanged, action: Action, compared: Hashable, line: str | None = None, /, **fields: float
) -> None:
    masks = {"subgoal_mask": False, "switch_mask": False}  # in every row, also of an episode without such a decision
    played.rows[-1].wrote(action, True, **{**masks, **fields})
    played.written += 1
    played.decisions.append(compared)
    played.turns.append(int(fields["turn_ids"]))
    if line is not None:
        played.segments[-1].lines.append(f"> {line}{action.text.strip()}")


def group_values(group: Sequence[KeptOrChanged], gamma: float = 1.0) -> None:
    """Writes `values` into the rows of a group: what the other episodes got from where a decision was taken (HIPER-9).

    An episode that was there more than once counts once, by the first time, and one that could not be scored (NaN) never. Where
    there are no others, the values are 0.

    Args:
        group: the episodes, each with its reward.
        gamma: discount of each step, so that a reward n steps later counts gamma^n of itself, as in the advantage.
    """
    scored = {number: one for number, one in enumerate(group) if one.reward == one.reward}
    there: Mapping[Hashable, dict[int, float]] = defaultdict(dict)
    for number, one in scored.items():
        for compared, turn in zip(one.decisions, one.turns, strict=True):
            there[compared].setdefault(number, _return(one, turn, gamma))
    for number, one in enumerate(group):
        values = []
        for compared, turn in zip(one.decisions, one.turns, strict=True):
            others = [got for other, got in sorted(there[compared].items()) if other != number]
            if not others:
                others = [_return(two, turn, gamma) for other, two in scored.items() if other != number]
            values.append(_mean(others))
        row = one.rows[-1]
        row.fields["values"] = [
            values[int(decision)] if decision >= 0 else float("nan") for decision in row.fields["action_ids"]
        ]


def _return(played: KeptOrChanged, turn: int, gamma: float) -> float:
    """Returns the reward of an episode as it counts at one of its steps; one that has ended before counts whole."""
    return played.reward * gamma ** max(played.turns[-1] - turn, 0)


def _mean(rewards: Sequence[float]) -> float:
    return sum(rewards) / len(rewards) if rewards else 0.0
