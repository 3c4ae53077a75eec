"""One episode of an agent, as a generator that asks for each action: flat, or along the subgoals of a blueprint.

A flat agent has one subgoal, the task itself. So the same code plays both, and an agent with two levels whose blueprints say
nothing is a flat agent, token for token.

With subgoals, a pointer stands at the one that is worked on. It moves on when the policy writes `<sub_done>`, and when the
budget of the subgoal is used up. The policy reads the first text of the episode, the subgoal, and what happened since the
pointer moved; what was before is left out by beginning anew, so each such segment is a row of its own.

What is certain: pointer, `<sub_done>`, budget, and that past segments are out of sight, from descriptions of HiMAC (2026,
arXiv:2603.00977). What is a reconstruction: all texts, and how the past is left out.

Deviations:
AGENT-1. The paper hides past segments by a mask on the attention. Here the prompt is made anew, of the first text, the subgoal
    and the newest text. `keep_past` leaves the past in sight instead, in one row for the whole episode.
AGENT-2. In a segment the policy sees the subgoal that is worked on, and not the rest of the blueprint.
AGENT-3. `<sub_done>` behind an action moves the pointer after that action; alone it moves the pointer and costs no action of
    the environment. The last subgoal lasts until the end of the episode: there `<sub_done>` is dropped from what the
    environment gets.
AGENT-4. The budget counts actions of the environment, and is the same for every subgoal but the last, which has what is left.
AGENT-5. A thought ends with its own end token, and the action follows with no cue between them.
AGENT-6. An episode has succeeded if its rewards sum to more than 0.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from hicra.related.agents.blueprint import TASK
from hicra.related.agents.words import ACT, EXECUTION_LEVEL, GOAL, SUB_DONE, THINK, THOUGHT_LEVEL
from hicra.related.environments import Environment, Reply
from hicra.related.rollouts import Action, Asked, Rollout, Row
from hicra.related.system import Codec, reached


@dataclass(frozen=True)
class Manner:
    """How an agent plays.

    Attributes:
        action: the most tokens of an action.
        thought: the most tokens of a thought before each action; 0 is no thought.
        budget: the most actions of the environment for a subgoal.
        sub_done: whether `<sub_done>` moves the pointer; if not, the budget alone does.
        keep_past: whether past segments stay in sight.
    """

    action: int
    thought: int = 0
    budget: int = 1
    sub_done: bool = False
    keep_past: bool = False


@dataclass
class SubgoalSegment:
    """A stretch of an episode under one subgoal.

    Attributes:
        subgoal: TASK for the task itself.
        ended: "sub_done", "budget", "change" of the subgoal, or "end" of the episode.
        actions: actions of the environment.
        lines: what was written and read, for people.
    """

    subgoal: str
    ended: str = "end"
    actions: int = 0
    lines: list[str] = field(default_factory=list)


@dataclass
class Played:
    """One episode that has ended.

    Attributes:
        rows: one, or one a segment.
        reward: the sum of its rewards.
        rewards: of each action of the environment.
        segments: at least one.
        invalid: actions that the environment did not understand.
        written: actions that the policy wrote, thoughts included.
    """

    rows: list[Row]
    reward: float = 0.0
    segments: list[SubgoalSegment] = field(default_factory=list)
    invalid: int = 0
    written: int = 0
    rewards: list[float] = field(default_factory=list)

    @property
    def success(self) -> float:
        return reached(self.reward)

    @property
    def actions(self) -> int:
        """Actions of the environment."""
        return sum(one.actions for one in self.segments)

    def told(self) -> list[str]:
        """Returns the episode for people, one text a segment: its subgoal, what was written and read, and how it ended."""
        return ["\n".join([goal(one.subgoal) or "no subgoal", *one.lines, f"({one.ended})"]) for one in self.segments]


class Numbering:
    """Gives equal things one number, from 0 in the order in which they come."""

    def __init__(self) -> None:
        self._known: dict[Hashable, int] = {}

    def __call__(self, thing: Hashable) -> int:
        return self._known.setdefault(thing, len(self._known))


def prompt(*texts: str) -> str:
    """Joins the texts that the policy reads, one a line; empty ones are left out."""
    return "\n".join(filter(None, texts))


def goal(subgoal: str) -> str:
    """Returns the line that says a subgoal; "" for the task itself."""
    return f"{GOAL} {subgoal}" if subgoal != TASK else ""


def fields_of(environment: Environment, states: Numbering, turn: int, episode: int) -> dict[str, float]:
    """Returns the fields of what is written in the current state of an environment."""
    known: dict[str, float] = {"turn_ids": turn, "episode_ids": episode, "state_ids": states(environment.state_id())}
    critical = getattr(environment, "critical", None)
    return known if critical is None else {**known, "critical_mask": bool(critical())}


def execute(
    environment: Environment,
    seed: int,
    codec: Codec,
    manner: Manner,
    subgoals: Sequence[str] = (TASK,),
    *,
    states: Numbering,
    episode: int = 0,
    greedy: bool = False,
) -> Rollout[Played]:
    """Plays one episode along subgoals; its rows have turn_ids, episode_ids, state_ids and level_ids.

    Args:
        environment: it is reset first.
        seed: of the episode.
        codec: of the policy.
        manner: how the agent plays.
        subgoals: at least one; (TASK,) is a flat agent.
        states: numbers of the environment's states, shared by the episodes of a batch.
        episode: its number in the batch.
        greedy: whether the likeliest token is taken each time.
    """
    first = environment.reset(seed)
    cue = THINK if manner.thought else ACT
    played = Played(
        [Row(tuple(codec.encode(prompt(first, goal(subgoals[0]), cue))))], segments=[SubgoalSegment(subgoals[0])]
    )
    newest, pointer, done, turn = "", 0, False, 0
    while not done:
        row, segment = played.rows[-1], played.segments[-1]
        last = pointer + 1 == len(subgoals)
        told = fields_of(environment, states, turn, episode)
        if manner.thought:
            (thought,) = yield [Asked(row.seen, manner.thought, greedy)]
            _write(played, thought, f"{THINK} ", level_ids=THOUGHT_LEVEL, **told)
        (action,) = yield [Asked(row.seen, manner.action, greedy)]
        _write(played, action, "", level_ids=EXECUTION_LEVEL, **told)
        text, over = split_off(action.text) if manner.sub_done else (action.text, False)
        if text or last or not over:
            step = act(environment, text, played)
            newest, done, turn = step.text, step.done, turn + 1
        if done:
            break
        spent = segment.actions >= manner.budget
        if (over or spent) and not last:
            pointer += 1
            segment.ended = "sub_done" if over else "budget"
            played.segments.append(SubgoalSegment(subgoals[pointer]))
            frame = prompt(newest, goal(subgoals[pointer]), cue)
            if not manner.keep_past:
                played.rows.append(Row(tuple(codec.encode(prompt(first, frame)))))
                continue
            row.read(codec.encode(frame))
        else:
            row.read(codec.encode(prompt(newest, cue)))
    return played


def split_off(text: str) -> tuple[str, bool]:
    """Returns the text of an action without `<sub_done>`, and whether it held that, with a space before it or not."""
    over = SUB_DONE in text
    return (" ".join(text.replace(SUB_DONE, " ").split()), True) if over else (text, False)


def act(environment: Environment, text: str, played: Played) -> Reply:
    """Takes an action in the environment and keeps the account of it."""
    step = environment.step(text)
    segment = played.segments[-1]
    segment.actions += 1
    segment.lines += [step.text] if step.text else []
    played.reward += step.reward
    played.rewards.append(step.reward)
    played.invalid += not step.valid
    return step


def _write(played: Played, action: Action, before: str, **fields: float) -> None:
    played.rows[-1].wrote(action, True, **fields)
    played.written += 1
    played.segments[-1].lines.append(f"> {before}{action.text.strip()}")
