"""CARL, VinePPO and SPO as systems: what they sample, where they fork or cut, and which rows and values come of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from hicra import credit
from hicra.errors import ConfigError
from hicra.related.environments import Reply
from hicra.related.environments.chain import Chain
from hicra.related.rollouts import Action, Asked, batch_of, drive
from hicra.related.system import Arena, System
from hicra.related.systems import open_system
from hicra.related.trees.carl import CARL, States
from hicra.related.trees.spo import SPOChain, SPOTree
from hicra.related.trees.table import TablePolicy, WordIds, sure_but_critical
from hicra.related.trees.tree import Tree
from hicra.related.trees.vineppo import VinePPO
from hicra.related.trees.walk import Move, Spot
from one_turn import OneTurn
from tree_draws import place_of

SYSTEMS: dict[str, System] = {
    "carl": CARL(n0=2, n=3), "vineppo": VinePPO(group_size=2, k=3), "spo_chain": SPOChain(group_size=2, k=3),
    "spo_tree": SPOTree(branches=(2, 2), length=2),
}  # fmt: skip


def table(chain: Chain, seed: int = 0) -> TablePolicy:
    return TablePolicy(chain, sure_but_critical(chain, sure=0.95, right=0.5), seed)


@pytest.mark.parametrize("name", SYSTEMS)
def test_each_gives_rows_that_its_baseline_takes(name: str) -> None:
    system, chain = SYSTEMS[name], Chain(5, 3, (1, 3))
    policy = table(chain)
    (made,) = system.generations(place_of(policy), [3, 8], step=1)
    assert len(made.rows) == len(made.rewards) == len(made.group_ids)
    assert {*made.group_ids} == {0, 1}
    assert 0 < made.interactions == made.generated
    batch = batch_of(made.rows, made.rewards, made.group_ids, policy.codec.pad)
    entry, chosen = credit.BASELINES[system.baseline[0]], system.baseline[1]
    advantages = entry(made.rewards, made.group_ids, batch, **entry.checked(chosen))
    assert advantages.shape == batch["response_mask"].shape
    assert np.isfinite(advantages).all()
    assert advantages.any()
    assert made.shown[0]["row"] == 0
    assert all(parent < number for one in made.shown for number, (parent, *_) in enumerate(one["tree"]))
    assert made.correct is None or len(made.correct) == len(made.rows)
    assert len(system.play(place_of(policy), [1, 2, 3], greedy=True).success) == 3


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_same_seeds_give_the_same_rows(name: str) -> None:
    chain = Chain(5, 3, (1, 3))
    one, two = (next(iter(SYSTEMS[name].generations(place_of(table(chain)), [3, 8], step=1))) for _ in range(2))
    assert [(row.context, row.ids, row.live) for row in one.rows] == [
        (row.context, row.ids, row.live) for row in two.rows
    ]


@pytest.mark.parametrize("name", SYSTEMS)
def test_each_opens_by_its_name(name: str) -> None:
    system, settings = open_system(name, {}, group_size=4)
    assert type(system) is type(SYSTEMS[name])
    assert settings.get("group_size", 4) == 4
    assert system.baseline[0] == name


def test_settings_are_checked() -> None:
    assert open_system("spo_tree", {"branches": [3, 2]}, 4)[0].branches == [3, 2]
    with pytest.raises(ConfigError, match="no setting 'crit'"):
        open_system("carl", {"crit": "entropy"}, 4)
    with pytest.raises(ConfigError, match="criticality"):
        open_system("carl", {"criticality": "entropie"}, 4)
    with pytest.raises(ConfigError, match="n0 = 1 and n = 0"):
        CARL(n0=1, n=0)
    for branches in ((), (1, 1)):
        with pytest.raises(ConfigError, match="no segment has another"):
            SPOTree(branches=branches)


# ---- CARL
def test_carl_lite_and_best() -> None:
    # lite: one rollout, then 16 forks; best: 8 and 16. Rows are rollouts, and the first n0 of a tree start at the root.
    chain = Chain(20, 3, (4, 10, 15))
    for n0 in (1, 8):
        (tree,) = drive([CARL(n0=n0, n=16).grown(place_of(table(chain)), 0)], table(chain))
        assert len(tree.branches) == n0 + 16
        assert sum(tree.nodes[branch[-1]].ended for branch in tree.branches) == n0 + 16
        assert [len(branch) for branch in tree.branches[:n0]] == [20] * n0
        assert all(branch[0] in tree.nodes[0].children for branch in tree.branches[:n0])
        (apart,) = drive([CARL(n0=n0, n=16, join=False).grown(place_of(table(chain)), 0)], table(chain))
        assert [branch[0] for branch in apart.branches[:n0]] == list(range(1, 1 + 20 * n0, 20))
        live = sum(sum(row.live) for row in apart.rows("selected"))
        # a fork brings its first action, and with it the one that was alone before; the root's own n0 count where they are
        # several
        assert 16 + n0 <= live <= 32 + (n0 if n0 > 1 else 0)


def test_carl_forks_at_the_unsure_steps() -> None:
    # entropies: log 3 = 1.1 at the steps 4, 10, 15 where all actions are alike, and 0.23 where one has 0.95
    chain = Chain(20, 3, (4, 10, 15))
    policy = TablePolicy(chain, sure_but_critical(chain, sure=0.95, right=1 / 3))
    (tree,) = drive([CARL(n0=8, n=16).grown(place_of(policy), 0)], policy)
    turns = [tree.nodes[branch[0]].moves[0].start.turn for branch in tree.branches[8:]]
    assert {*turns} == {4, 10, 15}
    (tree,) = drive([CARL(n0=8, n=16, criticality="random").grown(place_of(policy), 0)], policy)
    turns = [tree.nodes[branch[0]].moves[0].start.turn for branch in tree.branches[8:]]
    assert len({*turns}) > 8


def grown(*actions: tuple[int, float, float]) -> tuple[Tree, list[list[int]]]:
    """A tree of one-token actions: (source, entropy, log-probability)."""
    tree = Tree(Spot((), None), join=False)
    branches = []
    for source, entropy, logp in actions:
        start = tree.nodes[source].spot
        end = Spot((*start.context, 1), None, (), start.turn + 1)
        branches.append(tree.add(source, [[Move(start, Action((1,), "", True, (logp,), (entropy,)), (), end, True)]]))
    return tree, branches


def seen(criticality: str, *actions: tuple[int, float, float]) -> States:
    tree, branches = grown(*actions)
    states = States(criticality, np.random.default_rng(0))
    for branch in branches:
        states.saw(tree, branch)
    return states


def test_the_state_with_the_smallest_density_is_gone_on_from() -> None:
    # by entropy: state 0 has 2 children and 0.8: 2.5; state 1 has 1 and 0.5: 2; state 2 has 1 and 0.3: 3.3
    actions = ((0, 0.8, -0.1), (1, 0.5, -0.2), (2, 0.3, -2.0), (0, 0.8, -0.3))
    assert seen("entropy", *actions).least_dense() == 1
    # another child of 1 makes it 4, and state 0 is next
    assert seen("entropy", *actions, (1, 0.5, -0.2)).least_dense() == 0
    # by surprisal: state 0: 2 / 0.2 = 10; state 1: 1 / 0.2 = 5; state 2: 1 / 2 = 0.5; the running mean of 2 and 0.1 is 1.05
    assert seen("surprisal", *actions).least_dense() == 2
    states = seen("surprisal", *actions, (2, 0.3, -0.1))
    assert states.total[2] / states.children[2] == pytest.approx(1.05)
    assert states.least_dense() == 2  # 2 / 1.05 = 1.9
    assert (
        seen("surprisal", *actions, (2, 0.3, -0.1), (2, 0.3, -0.1), (2, 0.3, -0.1)).least_dense() == 1
    )  # 4 / 0.575 = 7


def test_a_state_that_is_sure_is_gone_on_from_where_all_are() -> None:
    assert seen("entropy", (0, 0.0, 0.0), (1, 0.0, 0.0), (2, 0.1, -1.0)).least_dense() == 2
    assert seen("entropy", (0, 0.0, 0.0), (0, 0.0, 0.0), (1, 0.0, 0.0), (3, 0.0, 0.0)).least_dense() == 1


# ---- reasoning: one response of several tokens
CODEC = WordIds(("ask", "one", "two", "stop\n", "right"))


class Question(OneTurn):
    """One turn; right where the response says so."""

    words, prompt = CODEC.words, "ask"

    def reward(self, text: str) -> float:
        return float("right" in text)


class Writer:
    """Goes on with a fixed response, sure of some of its words; asked again in a context, it says something else each time."""

    def __init__(self, response: str, sure: Sequence[float] = ()) -> None:
        self.ids = [CODEC.ids.get(word, CODEC.ids["stop\n"]) for word in response.split()] + [CODEC.end]
        self.logps = [float(np.log(one)) for one in (*sure, *[0.5] * len(self.ids))][: len(self.ids)]
        self.asked: list[tuple[tuple[int, ...], int]] = []

    def __call__(self, asked: Sequence[Asked]) -> list[Action]:
        out = []
        for one in asked:
            self.asked.append((one.context, one.most))
            done = len(one.context) - 1
            ids = tuple(self.ids[done : done + one.most])
            if len(self.asked) > 1 and self.asked.count((one.context, one.most)) % 2 == 0:
                ids = (CODEC.ids["right"], CODEC.end)[: one.most]
            logps = tuple(self.logps[done : done + len(ids)])
            out.append(Action(ids, CODEC.decode(ids), ids[-1] == CODEC.end, logps, (0.1,) * len(ids)))
        return out


def question(policy: Writer) -> Arena:
    return Arena(Question, CODEC, policy, most=8)


def test_vineppo_samples_k_rollouts_from_every_step() -> None:
    policy = Writer("one stop two two stop two")
    (made,) = VinePPO(group_size=1, k=4).generations(question(policy), [0], 1)
    (row,) = made.rows
    assert row.context == (0,)
    assert row.fields["action_ids"] == [0, 0, 1, 1, 1, 2, 2]
    begins = [(0,), (0, 1, 3), (0, 1, 3, 2, 2, 3)]
    assert [one for one, _ in policy.asked[1:]] == [context for context in begins for _ in range(4)]
    assert [most for _, most in policy.asked[1:]] == [8] * 4 + [6] * 4 + [3] * 4
    # every second time that it is asked, it is right: of 4 in a context two are; in the first one the rollout came first,
    # still two
    assert row.fields["values"] == [0.5] * 7
    assert (made.rewards, made.success, made.interactions) == ([0.0], [False], 13)
    (got,) = credit.BASELINES["vineppo"](
        made.rewards, made.group_ids, batch_of(made.rows, made.rewards, made.group_ids, 0)
    )
    assert got.tolist() == [0] * 5 + [-0.5] * 2
    assert made.shown[0]["tree"] == [
        [-1, "", 0.5, None], [0, "one stop\n", 0.5, 0.0], [1, "two two stop\n", 0.5, 0.0], [2, "two", 0.0, -0.5]
    ]  # fmt: skip


def test_rollouts_that_begin_alike_share_their_values() -> None:
    policy = Writer("one stop two")
    (made,) = VinePPO(group_size=3, k=2).generations(question(policy), [0], 1)
    # the second of three is other: "right" alone. Contexts: the question, and behind "one stop"; 2 * 2 rollouts, and 3 before
    assert made.interactions == 7
    assert [row.ids for row in made.rows] == [[1, 3, 2, CODEC.end], [4, CODEC.end], [1, 3, 2, CODEC.end]]
    assert made.rows[0].fields["values"] == made.rows[2].fields["values"]
    assert made.success == made.correct == [False, True, False]


def test_spo_begins_a_segment_before_every_few_unsure_tokens() -> None:
    # unsure are the tokens 1, 2, 4 and 5 (below 0.9); with two a segment, segments begin before 1 and before 4
    policy = Writer("one two two one two", sure=(0.95, 0.5, 0.6, 0.9, 0.1, 0.2))
    system = SPOChain(group_size=1, k=2, every=2)
    (made,) = system.generations(question(policy), [0], 1)
    (row,) = made.rows
    assert row.fields["action_ids"] == [-1, 0, 0, 0, 1, 1]
    np.testing.assert_array_equal(row.fields["values"], [np.nan, 0.5, 0.5, 0.5, 0.5, 0.5])
    assert [one for one, _ in policy.asked[1:]] == [(0, 1)] * 2 + [(0, 1, 2, 2, 1)] * 2
    batch = batch_of(made.rows, made.rewards, made.group_ids, 0)
    (got,) = credit.BASELINES["spo_chain"](made.rewards, made.group_ids, batch, **system.baseline[1])
    # 0.5 - 0.5 in the first segment, 0 - 0.5 in the last; nothing before the first cut point
    assert got.tolist() == [0, 0, 0, 0, -0.5, -0.5]
    assert made.shown[0]["tree"][0] == [-1, "one", 0.5, None]


def test_segments_of_spo_reach_over_actions() -> None:
    chain = Chain(6, 2, (0,))
    logits = np.log(np.array([[0.5, 0.5], [0.99, 0.01], [0.5, 0.5], [0.5, 0.5], [0.99, 0.01], [0.5, 0.5]]))
    policy = TablePolicy(chain, logits, seed=1)
    (made,) = SPOChain(group_size=1, k=2, every=2).generations(place_of(policy), [0], 1)
    (row,) = made.rows
    assert [one for one, live in zip(row.fields["action_ids"], row.live, strict=True) if live] == [0, 0, 0, 1, 1, 1]
    assert [one for one in row.fields["turn_ids"] if one >= 0] == [0, 1, 2, 3, 4, 5]


def test_a_response_without_an_unsure_token_has_no_segment() -> None:
    policy = Writer("one two", sure=(0.95, 0.99, 1.0))
    (made,) = SPOChain(group_size=2, k=2).generations(question(policy), [0], 1)
    assert made.rows[0].fields["action_ids"] == [-1] * 3
    assert made.interactions == 2  # no state needs a value
    batch = batch_of(made.rows, made.rewards, made.group_ids, 0)
    assert (credit.BASELINES["spo_chain"](made.rewards, made.group_ids, batch) == 0).all()


def test_spo_tree_grows_segments_of_a_length_and_the_last_ones_to_the_end() -> None:
    policy = Writer("one two two one two one")
    (tree,) = drive([SPOTree(branches=(2, 2), length=3).grown(question(policy), 0)], policy)
    # the first two segments have 3 tokens at most; the second one is "right" and its end, so it is a leaf
    assert [[move.wrote.ids for move in node.moves] for node in tree.nodes[1:3]] == [[(1, 2, 2)], [(4, CODEC.end)]]
    assert [node.parent for node in tree.nodes] == [-1, 0, 0, 1, 1]
    assert [node.outcome for node in tree.nodes[3:]] == [0.0, 1.0]
    assert tree.values().tolist() == [0.75, 0.5, 1.0, 0.0, 1.0]
    (made,) = SPOTree(branches=(2, 2), length=3).generations(question(Writer("one two two one two one")), [0], 1)
    assert made.rewards == [0.5, 1.0, 0.0, 1.0]  # of a row that ends inside, the value there
    assert (made.success, made.correct) == ([False, True], None)
    assert [row.context for row in made.rows] == [(0,), (0,), (0, 1, 2, 2), (0, 1, 2, 2)]
    batch = batch_of(made.rows, made.rewards, made.group_ids, 0)
    got = credit.BASELINES["spo_tree"](made.rewards, made.group_ids, batch, probability=0.9)
    assert got[:, 0].tolist() == [-0.25, 0.25, -0.5, 0.5]


def test_the_boundary_lets_carl_fork_inside_a_response() -> None:
    policy = Writer("one stop two stop one")
    (tree,) = drive([CARL(n0=1, n=1, boundary="\n").grown(question(policy), 0)], policy)
    assert [node.moves[0].wrote.ids for node in tree.nodes[1:4]] == [(1, 3), (2, 3), (1, CODEC.end)]
    assert len(tree.branches) == 2
    assert CARL(n0=1, n=1).boundary == ""
    (whole,) = drive([CARL(n0=2, n=1).grown(question(policy), 0)], policy)
    assert [len(branch) for branch in whole.branches] == [1, 1, 1]  # the whole response is one action


@pytest.mark.parametrize("name", SYSTEMS)
def test_an_environment_that_cannot_be_saved_is_refused_by_its_own_error(name: str) -> None:
    class Unsaved(Question):
        def save(self) -> int:
            raise ConfigError("the world of 'unsaved' cannot be saved", "choose another environment")

    with pytest.raises(ConfigError, match="'unsaved' cannot be saved"):
        list(SYSTEMS[name].generations(Arena(Unsaved, CODEC, Writer("one two"), most=8), [0], 1))


def test_an_end_that_cannot_be_scored_makes_its_row_unscorable() -> None:
    class Unjudged(Question):
        def step(self, text: str) -> Reply:
            return replace(super().step(text), reward=float("nan"))

    for system in SYSTEMS.values():
        policy = Writer("one two two one")
        (made,) = system.generations(Arena(Unjudged, CODEC, policy, most=8), [0], 1)
        assert np.isnan(made.rewards).all()
        batch = batch_of(made.rows, made.rewards, made.group_ids, 0)
        entry = credit.BASELINES[system.baseline[0]]
        assert (entry(made.rewards, made.group_ids, batch, **system.baseline[1]) == 0).all()
        assert len(made.success)
        assert np.isnan(made.success).all()
