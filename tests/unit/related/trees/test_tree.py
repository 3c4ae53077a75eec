"""Values and edges of a tree: by hand, unbiased over all draws of a small chain, and every edge in one row."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hicra import credit
from hicra.related.environments.chain import Chain
from hicra.related.rollouts import Action, Asked, Rollout, batch_of, drive
from hicra.related.trees.carl import CARL
from hicra.related.trees.table import TablePolicy
from hicra.related.trees.tree import Tree, made
from hicra.related.trees.walk import Move, Spot, begin, walk
from tree_draws import Scripted, every_course, place_of


def edge(token: int, start: Spot, reward: float | None = None) -> Move:
    """One token from a place; with a reward the episode ends."""
    end = Spot((*start.context, token), None, (), start.turn + 1, reward or 0.0)
    return Move(
        start, Action((token,), str(token), True, (-0.5,), (0.5,)), (), end, True, reward is not None, bool(reward)
    )


def by_hand() -> Tree:
    """0 -> 1 -> 2 (reward 1), 1 -> 3 (reward 0.5), 0 -> 4 -> 5 (reward 0), where 4 has one child."""
    root = Spot((9,), None)
    tree = Tree(root, join=True)
    first = edge(1, root)
    tree.add(0, [[first], [edge(2, first.end, 1.0)]])
    tree.add(1, [[edge(3, first.end, 0.5)]])
    other = edge(4, root)
    tree.add(0, [[other], [edge(5, other.end, 0.0)]])
    return tree


def test_values_and_advantages_by_hand() -> None:
    tree = by_hand()
    # V(1) = (1 + 0.5) / 2, V(4) = 0, V(0) = (0.75 + 0) / 2
    assert tree.values().tolist() == [0.375, 0.75, 1.0, 0.5, 0.0, 0.0]
    assert tree.advantages().tolist() == [0, 0.375, 0.25, -0.25, -0.375, 0]
    assert tree.rollouts() == [2, 5]


def test_an_end_that_nobody_scored_counts_in_no_mean() -> None:
    tree = by_hand()
    tree.nodes[3].outcome = float("nan")
    assert tree.values()[:2].tolist() == [0.5, 1.0]
    tree.nodes[2].outcome = float("nan")
    assert tree.values()[0] == 0.0
    assert np.isnan(tree.values()[1])
    out = made([tree], TablePolicy(Chain(2, 2, (0,)), np.zeros((2, 2))).codec, "all")
    got = credit.BASELINES["carl"](out.rewards, out.group_ids, batch_of(out.rows, out.rewards, out.group_ids, 0))
    assert got.tolist() == [[0, 0], [0, 0], [0, 0]]


def test_rows_by_hand() -> None:
    tree = by_hand()
    batch = batch_of(tree.rows("all"), [0.0] * 3, [0] * 3, pad=0)
    assert batch["response_ids"].tolist() == [[1, 2], [3, 0], [4, 5]]
    assert [row.context for row in tree.rows("all")] == [(9,), (9, 1), (9,)]
    assert batch["node_id"].tolist() == [[1, 2], [3, -1], [4, 5]]
    assert batch["parent_id"].tolist() == [[0, 1], [1, -1], [0, 4]]
    assert batch["n_children"].tolist() == [[2, 2], [2, -1], [2, 1]]
    np.testing.assert_array_equal(batch["leaf_reward"], [[np.nan, 1], [0.5, np.nan], [np.nan, 0]])
    # the only action from 4 is left out, and the action to 4 leads to 5, which has the same value
    kept = batch_of(tree.rows("selected"), [0.0] * 3, [0] * 3, pad=0)
    assert kept["response_ids"].tolist() == batch["response_ids"].tolist()
    assert kept["response_mask"].tolist() == [[True, True], [True, False], [True, False]]
    assert kept["node_id"].tolist() == [[1, 2], [3, -1], [5, -1]]
    np.testing.assert_array_equal(kept["leaf_reward"], [[np.nan, 1], [0.5, np.nan], [0, np.nan]])


def test_what_a_report_draws() -> None:
    codec = TablePolicy(Chain(6, 2, (0,)), np.zeros((6, 2))).codec  # ids 0 to 5 are the words s0 to s5
    assert by_hand().drawn(codec, "selected") == [
        [-1, "", 0.375, None], [0, "s1", 0.75, 0.375], [1, "s2", 1.0, 0.25], [1, "s3", 0.5, -0.25],
        [0, "s4", 0.0, -0.375], [4, "s5", 0.0, None],
    ]  # fmt: skip


# ---- over all draws
CHAIN = Chain(2, 2, (0, 1))
LOGITS = np.log(np.array([[0.3, 0.7], [0.4, 0.6]]))  # right are a0 at step 0 and a1 at step 1: 0.3 * 0.6 = 0.18


def by_leaves(tree: Tree) -> float:
    """The leaf-weighted value of the root: the mean over all ends."""
    return float(np.mean([node.outcome for node in tree.nodes if node.ended]))


def forked_by_design(policy: Scripted, join: bool) -> Callable[[], Rollout[Tree]]:
    """Two actions from the root; three ways on from where the first one is a0, and one from where it is a1."""

    def grown() -> Rollout[Tree]:
        world = Chain(2, 2, (0, 1))
        root = begin(world, policy.codec, 0)
        tree = Tree(root, join)
        for path in (yield from walk(world, policy.codec, [root, root], most=1, tokens=1)):
            (child,) = tree.add(0, [path])
            ways = 3 if path[0].wrote.text == "a0" else 1
            for further in (yield from walk(world, policy.codec, [path[0].end] * ways, most=1)):
                tree.add(child, [further])
        return tree

    return grown


@pytest.mark.parametrize("join", [True, False])
def test_values_are_unbiased_over_all_draws_and_leaf_weighted_ones_are_not(join: bool) -> None:
    policy = Scripted(CHAIN, LOGITS)
    courses = list(every_course(policy, forked_by_design(policy, join)))
    assert sum(chance for chance, _ in courses) == pytest.approx(1, abs=1e-12)
    assert sum(chance * tree.values()[0] for chance, tree in courses) == pytest.approx(0.18, abs=1e-9)
    # each child as well: given a0, its value has the mean 0.6
    given = [(chance, tree.values()[1]) for chance, tree in courses if tree.nodes[1].moves[0].wrote.text == "a0"]
    assert sum(chance * value for chance, value in given) / 0.3 == pytest.approx(0.6, abs=1e-9)
    if not join:
        # the child of a0 has 3 ends. Both a0 (0.09): 0.6; one of them (0.42): 3/4 of the ends below a0, 0.45; none: 0.
        # 0.09 * 0.6 + 0.42 * 0.45 = 0.054 + 0.189 = 0.243
        assert sum(chance * by_leaves(tree) for chance, tree in courses) == pytest.approx(0.243, abs=1e-9)


def mean_of_the_root(policy: Scripted, **settings: object) -> float:
    courses = every_course(policy, lambda: CARL(**settings).grown(place_of(policy), 0))
    return sum(chance * tree.values()[0] for chance, tree in courses)


@pytest.mark.parametrize(("n0", "n"), [(1, 1), (1, 2), (2, 1), (2, 2)])
def test_entropy_keeps_the_values_of_carl_unbiased_where_surprisal_does_not(n0: int, n: int) -> None:
    # by entropy, how often a state is gone on from does not depend on what was drawn; by surprisal a rare draw brings another
    # child
    policy = Scripted(Chain(3, 2, (0, 2)), np.log(np.array([[0.3, 0.7], [0.9, 0.1], [0.4, 0.6]])))  # 0.3 * 0.4 = 0.12
    assert mean_of_the_root(policy, n0=n0, n=n, join=False) == pytest.approx(0.12, abs=1e-9)
    assert mean_of_the_root(policy, n0=n0, n=n, join=False, criticality="surprisal") < 0.11
    # equal draws are one state to fork at, and two others are two, so with joining a little depends on what was drawn
    assert mean_of_the_root(policy, n0=n0, n=n, join=True) == pytest.approx(0.12, abs=0.01)


class Remembering(Scripted):
    """After a0 at step 0 it is sure of a1 at step 1, after a1 it is not."""

    def row(self, asked: Asked) -> np.ndarray:
        if asked.context[-1] != 1:
            return super().row(asked)
        return np.array([0.01, 0.99]) if asked.context[1] == self.first else np.array([0.5, 0.5])


def test_entropies_that_depend_on_the_past_leave_a_bias() -> None:
    # right are a0 and a1. V(root) = 0.5 * 0.99 + 0.5 * 0 = 0.495. Entropies: root 0.69, after a0 0.06, after a1 0.69. One
    # rollout, and two forks. The first fork is at the root, which was visited before a state that is as unsure. Then the root
    # has the density 2 / 0.69, a state after a1 has 1 / 0.69, and one after a0 has 1 / 0.06. So the second fork is after a1,
    # where that was drawn, and changes nothing: V is 0 there. Where a0 was drawn twice, 1/4 of the courses, the root gets a
    # third child, and its mean is (2 * 0.99 + 0.495) / 3 = 0.825 in place of 0.99: 0.495 - 0.165 / 4 = 0.45375.
    policy = Remembering(CHAIN, np.log(np.array([[0.5, 0.5], [0.5, 0.5]])))
    assert mean_of_the_root(policy, n0=1, n=2, join=False) == pytest.approx(0.45375, abs=1e-9)


def test_samples_that_write_the_same_are_one_state_or_two() -> None:
    root = Spot((9,), None)
    values = {}
    for join in (True, False):
        tree = Tree(root, join)
        for first, last, reward in ((1, 2, 1.0), (1, 3, 0.0), (4, 5, 1.0)):
            move = edge(first, root)
            tree.add(0, [[move], [edge(last, move.end, reward)]])
        values[join] = tree.values().tolist()
        out = made([tree], TablePolicy(Chain(6, 2, (0,)), np.zeros((6, 2))).codec, "selected")
        batch = batch_of(out.rows, out.rewards, out.group_ids, 0)
        got = credit.BASELINES["carl"](out.rewards, out.group_ids, batch)
        # joined, V(1) = 1/2 stands twice in the mean of the root, (1/2 + 1/2 + 1) / 3 = 2/3; else it is that of 1, 0 and 1
        joined = [[-1 / 6, 1 / 2], [-1 / 6, -1 / 2], [1 / 3, 0]]
        assert got == pytest.approx(np.array(joined if join else [[1 / 3, 0], [-2 / 3, 0], [1 / 3, 0]]))
        assert batch["response_mask"].tolist() == [[True, join], [True, join], [True, False]]
        assert [tree.nodes[end].outcome for end in tree.rollouts()] == [1.0, 0.0, 1.0]
        assert out.interactions == 6
    assert values[True] == pytest.approx([2 / 3, 1 / 2, 1, 0, 1, 1])
    assert values[False] == pytest.approx([2 / 3, 1, 1, 0, 0, 1, 1])


# ---- laws
@st.composite
def grown(draw) -> tuple[CARL, Tree, TablePolicy]:
    steps, actions = draw(st.integers(1, 6)), draw(st.integers(2, 3))
    chain = Chain(steps, actions, (steps - 1,))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    table = TablePolicy(chain, rng.normal(size=(steps, actions)), seed=draw(st.integers(0, 2**32)))
    system = CARL(
        n0=draw(st.integers(1, 4)), n=draw(st.integers(1, 8)),
        criticality=draw(st.sampled_from(["entropy", "surprisal", "random"])), join=draw(st.booleans()),
    )  # fmt: skip
    (tree,) = drive([system.grown(place_of(table), draw(st.integers(0, 99)))], table)
    return system, tree, table


def path_to(tree: Tree, number: int) -> list[int]:
    found = []
    while number:
        found.append(number)
        number = tree.nodes[number].parent
    return found[::-1]


@given(case=grown())
@settings(max_examples=60, deadline=None)
def test_advantages_telescope_along_every_path(case) -> None:
    _, tree, _ = case
    value, advantage = tree.values(), tree.advantages()
    ends = [number for number, node in enumerate(tree.nodes) if node.ended]
    for end in ends:
        assert sum(advantage[one] for one in path_to(tree, end)) == pytest.approx(
            tree.nodes[end].outcome - value[0], abs=1e-12
        )


@given(case=grown())
@settings(max_examples=60, deadline=None)
def test_every_sample_stands_in_one_row_and_rows_are_what_was_walked(case) -> None:
    system, tree, table = case
    rows = tree.rows("all")
    assert len(rows) == len(tree.branches) == system.n0 + system.n
    named = [one for row in rows for one in row.fields["node_id"] if one >= 0]  # an action is one token here
    assert sorted(named) == sorted(child for node in tree.nodes for child in node.children)
    prefixes = [node.spot.context for node in tree.nodes]
    assert len({*prefixes}) == len(prefixes) or not system.join  # a state is a prefix
    for row, branch in zip(rows, tree.branches, strict=True):
        assert row.seen == tree.nodes[branch[-1]].spot.context
        assert len(row.seen) == 2 * table.chain.longest  # a step and an action each, to the end
    assert all(node.ended == (not node.children) for node in tree.nodes)
    out = made([tree], table.codec, "selected")
    depths = [tree.nodes[branch[0]].moves[0].start.turn for branch in tree.branches]
    assert out.interactions == out.generated == sum(table.chain.longest - depth for depth in depths)
    assert depths[: system.n0] == [0] * system.n0


@given(case=grown())
@settings(max_examples=60, deadline=None)
def test_selected_rows_train_the_same_advantages_on_fewer_actions(case) -> None:
    system, tree, table = case
    got = {}
    for update in ("all", "selected"):
        out = made([tree], table.codec, update)
        batch = batch_of(out.rows, out.rewards, out.group_ids, table.codec.pad)
        got[update] = credit.BASELINES["carl"](out.rewards, out.group_ids, batch), batch["response_mask"]
    (whole, everything), (kept, live) = got["all"], got["selected"]
    assert np.allclose(whole[live], kept[live], atol=1e-12)
    assert (whole[everything & ~live] == 0).all()  # an action without a sibling is worth what its state is
    advantage = tree.advantages()
    flat = [advantage[number] for branch in tree.branches for number in branch]
    assert np.allclose(whole[everything], flat, atol=1e-12)
    assert live.sum() == sum(len(node.children) for node in tree.nodes if len(node.children) > 1)
    if (
        system.n0 == 1
    ):  # each fork brings its first action, and the one that was alone before, and what it shares with others
        assert live.sum() > system.n


@given(case=grown(), seed=st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_what_is_left_out_never_reaches_the_loss(case, seed) -> None:
    _, tree, table = case
    out = made([tree], table.codec, "selected")
    batch = batch_of(out.rows, out.rewards, out.group_ids, table.codec.pad)
    live, rng = batch["response_mask"], np.random.default_rng(seed)

    def loss(batch: dict[str, np.ndarray], logps: np.ndarray) -> float:
        advantages = credit.BASELINES["carl"](out.rewards, out.group_ids, batch)
        return float(credit.LOSSES["clip"](logps, batch["old_logprobs"], advantages, live, batch))

    other = {
        name: np.where(live, value, rng.integers(0, 9, live.shape)).astype(value.dtype) if value.ndim == 2 else value
        for name, value in batch.items()
    } | {"response_mask": live}  # fmt: skip
    logps = batch["old_logprobs"] + rng.normal(0, 0.1, live.shape)
    assert loss(other, np.where(live, logps, -rng.random(live.shape))) == pytest.approx(loss(batch, logps), abs=1e-12)
