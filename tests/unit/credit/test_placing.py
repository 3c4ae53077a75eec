"""Where stretches go: probabilities worked out from the kernel, who yields to whom, and rows that are nearly full."""

import math
from dataclasses import replace

import numpy as np
import pytest

from hicra.credit.placing import Stretches, _part, in_rounds, one_by_one
from hicra.credit.shapers.placebo import placebo_mask

ROWS = 6000


def ids_of(mask, seed=0):
    return np.random.default_rng(seed).integers(0, 50_000, mask.shape)


def rows_of(text, rows=1):
    """A mask of equal rows: P is a planning token."""
    return np.tile([letter == "P" for letter in text], (rows, 1))


def runs(mask):
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(int), axis=1)
    rows = np.nonzero(edges == 1)[0]
    lengths = np.nonzero(edges == -1)[1] - np.nonzero(edges == 1)[1]
    return [sorted(lengths[rows == row].tolist()) for row in range(len(mask))]


def kernel(n, length, old):
    """The chance of each place without any rule but to stay in the row: normal with 15 % of n, rounded to a token."""
    edges = (np.arange(-1, n - length + 1) + 0.5 - old) / (0.15 * n)
    return np.diff([0.5 * math.erfc(-edge / math.sqrt(2)) for edge in edges])


def misfit(counts, chance):
    """Chi-square, over the places that expect at least five; where the chance is 0 nothing may be."""
    assert not counts[chance == 0].any()
    expected = chance / chance.sum() * counts.sum()
    some = expected >= 5
    return float((((counts - expected) ** 2 / np.maximum(expected, 1))[some]).sum()), int(some.sum()) - 1


# ---- the distribution
def allowed_chance():
    # 20 tokens, two of them planning, at 8 and 9: the budget is 2 * 2 / 20, rounded up to 1: every place but 8 is allowed
    chance = kernel(20, 2, 8)
    chance[8] = 0
    return chance


def test_places_follow_the_kernel_among_the_allowed_places():
    planning = rows_of("........PP..........", ROWS)
    mask = placebo_mask(planning, np.ones_like(planning), ids_of(planning), seed=1)
    assert runs(mask) == [[2]] * ROWS
    found, freedom = misfit(np.bincount(mask.argmax(axis=1), minlength=19), allowed_chance())
    assert freedom >= 12
    assert found < freedom + 6 * math.sqrt(2 * freedom)  # chi-square has mean f and variance 2 f


def test_the_exact_rule_follows_the_same_kernel():
    planning, rng = rows_of("........PP..........")[0], np.random.default_rng(1)
    places = []
    for _ in range(ROWS):
        placed = np.zeros(20, bool)
        assert one_by_one(planning, np.zeros(20, int), np.array([8]), np.array([2]), placed, 1, rng)
        places.append(int(placed.argmax()))
    found, freedom = misfit(np.bincount(places, minlength=19), allowed_chance())
    assert found < freedom + 6 * math.sqrt(2 * freedom)


def test_many_seeds_on_one_row_follow_the_kernel_as_many_rows_do():
    planning = rows_of("........PP..........")
    places = [
        int(placebo_mask(planning, np.ones_like(planning), np.arange(20)[None], seed).argmax()) for seed in range(1500)
    ]
    found, freedom = misfit(np.bincount(places, minlength=19), allowed_chance())
    assert found < freedom + 6 * math.sqrt(2 * freedom)


def test_a_batch_keeps_its_distribution_of_positions_up_to_the_blur():
    # three stretches of 4 in the first half of 400 tokens; the quarters of the row get what the kernel makes of them
    planning = np.zeros((400, 400), bool)
    for row in planning:
        for start in np.random.default_rng(len(row)).permutation(25)[:3] * 8:
            row[start : start + 4] = True
    starts = np.flatnonzero(planning[0])[::4]
    expected = np.mean([kernel(400, 4, start) / kernel(400, 4, start).sum() for start in starts], axis=0)
    mask = placebo_mask(planning, np.ones_like(planning), ids_of(planning), seed=2)
    first = np.nonzero(mask & ~np.pad(mask, ((0, 0), (1, 0)))[:, :-1])[1]
    quarters = np.histogram(first, bins=4, range=(0, 400))[0] / 1200
    # 0.05 is 3.5 standard errors of a share of 1,200; that places are taken or cost overlap moves a share by less than 0.01
    assert quarters == pytest.approx(
        [expected[:100].sum(), expected[100:200].sum(), expected[200:300].sum(), expected[300:].sum()], abs=0.05
    )


# ---- the rules
def bench_like(rows=24, width=600, share=0.1):
    rng = np.random.default_rng(4)
    live = np.arange(width) < rng.integers(width // 2, width + 1, rows)[:, None]
    live[:, 70:86] = False
    return np.repeat(rng.random((rows, width // 4)) < share, 4, axis=1) & live, live


@pytest.mark.parametrize("seed", range(5))
def test_rows_with_room_keep_every_promise(seed):
    planning, live = bench_like()
    mask = placebo_mask(planning, live, ids_of(planning), seed)
    assert not mask[~live].any()
    assert runs(mask) == runs(planning)
    count, size = planning.sum(axis=1), live.sum(axis=1)
    assert ((mask & planning).sum(axis=1) <= -(-(count**2) // size)).all()
    # no two touch, not even across the tool's output
    for row, old, here in zip(mask, planning, live, strict=True):
        assert len(runs(row[here][None])[0]) == len(runs(old[None])[0])


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_rows_do_not_look_at_each_other(share):
    planning, live = bench_like(share=share)
    ids = ids_of(planning)
    mask = placebo_mask(planning, live, ids, 3)
    alone = [placebo_mask(planning[i : i + 1], live[i : i + 1], ids[i : i + 1], 3)[0] for i in range(len(mask))]
    assert (mask == alone).all()
    order = np.random.default_rng(0).permutation(len(mask))
    assert (placebo_mask(planning[order], live[order], ids[order], 3) == mask[order]).all()
    wide = [np.pad(array, ((0, 0), (7, 5))) for array in (planning, live, ids)]
    assert (placebo_mask(*wide, 3)[:, 7:-5] == mask).all()


def test_a_stretch_ends_where_a_tool_speaks():
    # two planning tokens before and two after the tool's output are two stretches of two, not one of four
    live = np.tile(np.arange(30) != 12, (200, 1))
    planning = np.tile(np.isin(np.arange(30), [10, 11, 13, 14]), (200, 1))
    assert runs(placebo_mask(planning, live, ids_of(live), 0)) == [[2, 2]] * 200


def test_a_long_stretch_stays_whole_among_short_ones():
    # 13 of 26 tokens in one stretch and four single ones; wherever a short one comes first it may break the only long gap
    planning = rows_of("PPPPPPPPPPPPP.P...P...P..P", 300)
    mask = placebo_mask(planning, np.ones_like(planning), ids_of(planning), 0)
    assert all(13 in lengths or max(lengths) > 13 for lengths in runs(mask))
    assert (mask.sum(axis=1) == 17).all()
    # 17 planning of 26: chance is 17 * 17 / 26 = 11.1, rounded up to 12
    assert ((mask & planning).sum(axis=1) <= 12).all()


# ---- who yields
def stretches(lengths, rows=None, n=30):
    rows = np.zeros(len(lengths), int) if rows is None else np.array(rows)
    count = rows.max() + 1
    return Stretches(
        avoided=np.zeros(n * count, bool), segment_stop=np.arange(1, count + 1) * n, first=np.arange(count) * n,
        size=np.full(count, n), budget=np.full(count, n), row=rows, start=np.zeros(len(lengths), int), length=np.array(lengths),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("lengths", "at", "before", "left"),
    [
        ([5, 2], [0, 4], [], [0, -1]),  # 0-4 and 4-5 overlap: the longer stays
        ([5, 2], [0, 5], [], [0, -1]),  # 0-4 and 5-6 touch
        ([5, 2], [0, 6], [], [0, 6]),  # one token between
        ([5, 2], [3, 1], [], [3, -1]),  # the shorter one in front
        ([5, 2], [0, 4], [1], [-1, 4]),  # the shorter one was there first
        ([9, 2, 2], [0, 2, 7], [], [0, -1, -1]),  # both lie inside the long one, which is no neighbour of the second
        ([2, 2, 2], [4, 6, 8], [], [4, -1, -1]),  # the second yields to the first, and the third to the second
    ],
)
def test_of_two_that_touch_one_yields(lengths, at, before, left):
    at = np.array(at)
    placed = np.isin(np.arange(len(at)), before)
    _part(stretches(lengths), at, placed)
    assert at.tolist() == left


def test_the_ends_of_two_rows_do_not_touch():
    at = np.array([28, 30])  # the last two tokens of the first row, the first two of the second
    _part(stretches([2, 2], rows=[0, 1]), at, np.zeros(2, bool))
    assert at.tolist() == [28, 30]


def test_the_rounds_keep_each_row_within_its_budget_and_its_tokens():
    # two rows of 20, all but the last three tokens avoided, and a budget of 5 each: the stretch of 5 may spend it, and that of 3
    # lies on the last three tokens then, or finds no place
    of = replace(
        stretches([5, 3, 5, 3], rows=[0, 0, 1, 1], n=20),
        avoided=np.tile(np.arange(20) < 17, 2), budget=np.array([5, 5]), start=np.array([4, 4, 24, 24]),
    )  # fmt: skip
    placed = 0
    for key in range(100):
        at = in_rounds(of, np.array([key, key + 1000], np.uint64))
        for row in (0, 1):
            mine = [i for i in (2 * row, 2 * row + 1) if at[i] >= 0]
            placed += len(mine)
            assert sum(of.avoided[at[i] : at[i] + of.length[i]].sum() for i in mine) <= 5
            assert all(20 * row <= at[i] <= 20 * row + 20 - of.length[i] for i in mine)
    assert placed >= 200


# ---- one by one
def test_single_tokens_where_no_gap_is_long_enough():
    placed = np.array([c == "x" for c in ".xx..xx.x."])  # five free tokens, at most two in a row
    avoided = np.array([c == "P" for c in "P..P......"])
    before = placed.copy()
    kept = one_by_one(avoided, np.zeros(10, int), np.array([0]), np.array([3]), placed, 9, np.random.default_rng(0))
    assert not kept
    assert np.flatnonzero(placed & ~before).tolist() == [4, 7, 9]  # the free ones that are not avoided


def test_over_the_budget_takes_the_cheapest_place_and_says_so():
    avoided = np.array([c == "P" for c in "PPP.PPPPPP"])
    placed = np.zeros(10, bool)
    kept = one_by_one(avoided, np.zeros(10, int), np.array([8]), np.array([2]), placed, 0, np.random.default_rng(0))
    assert not kept
    assert np.flatnonzero(placed).tolist() in ([2, 3], [3, 4])  # one avoided token instead of two


def test_no_place_crosses_a_segment():
    segment, counts = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1]), set()
    for seed in range(40):
        placed = np.zeros(9, bool)
        rng = np.random.default_rng(seed)
        assert one_by_one(np.zeros(9, bool), segment, np.array([2]), np.array([3]), placed, 0, rng)
        counts.add(int(placed[:4].sum()))
    assert counts == {0, 3}


def test_a_place_that_touches_none_comes_before_one_that_does():
    where = []
    for text in ("xx........", "xx.xx.xxx."):  # from 3 on there is room, and in the second row nowhere
        for seed in range(40):
            placed = np.array([c == "x" for c in text])
            before = placed.copy()
            old, size = np.array([2]), np.array([2 if text.endswith("..") else 1])
            assert one_by_one(np.zeros(10, bool), np.zeros(10, int), old, size, placed, 0, np.random.default_rng(seed))
            where.append(int((placed & ~before).argmax()))
    assert min(where[:40]) == 3
    assert set(where[40:]) <= {2, 5, 9}  # every free token touches one here, so all of them may be taken
    assert 2 in where[40:]
