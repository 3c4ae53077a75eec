"""Credit inside an engine, without an engine: numpy in, numpy out, over one rank and over two that gather."""

import threading
import warnings

import numpy as np
import pytest

from hicra import Lexicon
from hicra.credit import LOSSES, METHODS, assign
from hicra.credit.assignment import Assignment, Picked
from hicra.engines.shaping import Shaping
from hicra.errors import ConfigError, EngineError, MissingField
from tokenizers_made import byte_level

TOKENIZER = byte_level()
LEXICON = Lexicon.from_phrases(["let me check", "so"])
TEXTS = ["so it is two", "let me check that", "it is", "so it is what it is and it is no more"]


def batch(texts):
    rows = [TOKENIZER.encode(text).ids for text in texts]
    ids = np.zeros((len(rows), max(map(len, rows))), np.int64)
    live = np.zeros(ids.shape, bool)
    for number, row in enumerate(rows):
        ids[number, : len(row)], live[number, : len(row)] = row, True
    return ids, live


def made(method, texts, base, size=2, rewards=None, baseline=None, **more):
    ids, live = batch(texts)
    credit = assign({"name": method}, baseline=baseline and {"name": baseline})
    shaping = Shaping(credit, LEXICON, TOKENIZER, **more)
    base = np.array(base, np.float32)
    rewards = np.array([0.0] * len(base) if rewards is None else rewards)
    inputs = [{"id": number} for number in range(len(texts))]
    return shaping, shaping.generation(
        inputs, ids=ids, live=live, base=base, rewards=rewards, group_size=size,
        **({"entropies": ids % 7 / 7.0} if shaping.needs_policy else {}),
        **({"kind_weights": np.array([0.75, 0.25])} if shaping.needs_signal else {}),
    )  # fmt: skip


def test_a_generation_is_tagged_shaped_and_counted():
    shaping, found = made("hicra", TEXTS, [0.5, -0.5, 0.25, -0.25], rewards=[1, 0, np.nan, 0])
    arrays, mask = found.arrays, found.arrays["planning_mask"]
    assert arrays["group_ids"].tolist() == [0, 0, 1, 1]
    assert [int(row.sum()) > 0 for row in mask] == [True, True, False, True]
    base = np.array([0.5, -0.5, 0.25, -0.25])[:, None]
    expected = np.where(mask, base + 0.2 * abs(base), base)
    assert np.allclose(arrays["advantages"], expected)
    assert arrays["advantages"].dtype == np.float32
    assert np.isnan(arrays["entropies"]).all()  # until the loss has seen them
    assert found.stats.planning == mask.sum()
    assert found.stats.values()["hicra/accuracy"] == pytest.approx(1 / 3)  # of the three that have a reward
    shaping.check(arrays["advantages"], arrays["base"], mask, arrays["response_mask"])


def test_ranks_with_unequal_numbers_of_rollouts_are_refused():
    """Rank 1 would begin to count at twice its own two rollouts, in the middle of what rank 0 holds."""

    def both(value):
        return [value, {name: rows[:2] for name, rows in value.items()}]

    with pytest.raises(
        EngineError, match="the ranks hold 2 and 4 rollouts, so the groups of 'hicra_recentred' cannot be told"
    ):
        made("hicra_recentred", TEXTS, [0.5, -0.5, 0.25, -0.25], gather=both, ranks=2)


def test_group_ids_stay_distinct_over_generations():
    shaping, first = made("none", TEXTS, [0.0] * 4)
    ids, live = batch(TEXTS)
    second = shaping.generation([{}] * 4, ids=ids, live=live, base=np.zeros(4), rewards=np.zeros(4), group_size=4)
    assert not set(first.arrays["group_ids"]) & set(second.arrays["group_ids"])
    assert len(set(second.arrays["group_ids"])) == 1


def test_group_ids_count_the_rollouts_of_all_ranks():
    """Six rollouts on each of two ranks in groups of four: rank 1 begins in the middle of the second group."""
    shaping = Shaping(
        assign({"name": "none"}), LEXICON, TOKENIZER, gather=lambda value: [value, value], rank=1, ranks=2
    )
    found = []
    for first in (None, None, 60):
        ids, live = batch(TEXTS[:3] * 2)
        found.append(shaping.generation(
            [{}] * 6, ids=ids, live=live, base=np.zeros(6), rewards=np.zeros(6), group_size=4, first_group=first,
        ).arrays["group_ids"].tolist())  # fmt: skip
    assert found == [[1, 1, 2, 2, 2, 2], [13, 13, 14, 14, 14, 14], [61, 61, 62, 62, 62, 62]]


@pytest.mark.parametrize("method", ["hicra", "none"])
def test_the_self_check_names_the_method(method):
    shaping, found = made(method, TEXTS, [0.5, -0.5, 0.25, -0.25])
    arrays = found.arrays
    with pytest.raises(EngineError, match=f"self-check of method '{method}'"):
        shaping.check(arrays["advantages"] * 1.1, arrays["base"], arrays["planning_mask"], arrays["response_mask"])


def test_the_self_check_leaves_methods_alone_that_may_change_anything():
    shaping, found = made("forking_tokens", TEXTS, [0.5, -0.5, 0.25, -0.25])
    arrays = found.arrays
    shaping.check(arrays["advantages"] * 1.1, arrays["base"], arrays["planning_mask"], arrays["response_mask"])


def test_a_field_that_is_needed_is_named():
    ids, live = batch(TEXTS)
    shaping = Shaping(assign({"name": "entropy_advantage"}), LEXICON, TOKENIZER)
    with pytest.raises(MissingField, match="entropies"):
        shaping.generation([{}] * 4, ids=ids, live=live, base=np.ones(4), rewards=np.ones(4), group_size=2)


@pytest.mark.parametrize(("phrases", "says"), [(["xyzzy"], "no token is a planning token"), (TEXTS, "more than half")])
def test_an_empty_and_a_wide_mask_are_said_once(phrases, says):
    ids, live = batch(TEXTS)
    shaping = Shaping(assign({"name": "hicra"}), Lexicon.from_phrases(phrases), TOKENIZER)
    more = {"ids": ids, "live": live, "base": np.ones(4), "rewards": np.ones(4), "group_size": 2}
    with pytest.warns(UserWarning, match=says):
        shaping.generation([{}] * 4, **more)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shaping.generation([{}] * 4, **more)


def test_a_baseline_takes_the_place_of_the_advantages_of_the_engine():
    _, found = made("hicra", TEXTS, [9.0] * 4, rewards=[1, 0, np.nan, 0], baseline="rloo")
    assert found.arrays["base"].tolist() == [1.0, -1.0, 0.0, 0.0]  # the second group has one that is scored
    assert found.arrays["base"].dtype == np.float32
    assert found.arrays["advantages"][0, found.arrays["planning_mask"][0]] == pytest.approx(1.2)


def test_a_field_that_no_engine_has_is_refused_before_the_first_step():
    entry = METHODS["none"].__class__(
        "of_a_test", lambda advantages, batch: advantages, "-", needs=("response_mask", "moods")
    )
    with pytest.raises(ConfigError, match="shaper 'of_a_test' needs the batch field 'moods'"):
        Shaping(Assignment((Picked(entry, {}),)), LEXICON, TOKENIZER)


def test_a_field_that_no_engine_gives_a_loss_is_refused_before_the_first_step():
    entry = LOSSES["clip"].__class__("of_a_test", LOSSES["clip"].function, "-", needs=("planning_mask",))
    with pytest.raises(ConfigError, match="loss 'of_a_test' needs the batch field 'planning_mask'"):
        Shaping(Assignment((Picked(METHODS["none"], {}),), loss=Picked(entry, {})), LEXICON, TOKENIZER)


@pytest.mark.parametrize(
    ("method", "baseline"),
    [
        ("hicra", None),
        ("hicra_recentred", None),
        ("forking_tokens", None),
        ("none", "rloo"),
        ("hicra", "grpo"),
        ("hicra_adaptive", None),
    ],
)
def test_two_ranks_shape_as_one(method, baseline):
    base = [0.75, -0.25, -0.25, -0.25]
    rewards = [1.0, 0.0, 0.0 if METHODS[method].binary else 0.5, 0.0]
    whole = made(method, TEXTS, base, size=4, rewards=rewards, baseline=baseline)[1]
    meet, given, results = threading.Barrier(2), {}, {}

    def gather_of(rank):
        def gather(value):
            given[rank] = value
            meet.wait(30)
            both = [given[0], given[1]]
            meet.wait(30)
            return both

        return gather

    def work(rank):
        part = slice(2 * rank, 2 * rank + 2)
        results[rank] = made(
            method,
            TEXTS[part],
            base[part],
            size=4,
            rewards=rewards[part],
            baseline=baseline,
            gather=gather_of(rank),
            rank=rank,
            ranks=2,
        )[1]

    threads = [threading.Thread(target=work, args=(rank,)) for rank in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for rank in (0, 1):
        own = results[rank].arrays
        width = own["advantages"].shape[1]  # the ranks' batches are not equally wide
        live = own["response_mask"]
        part = whole.arrays["advantages"][2 * rank : 2 * rank + 2, :width]
        assert np.array_equal(own["advantages"][live], part[live])
        assert own["group_ids"].tolist() == [0, 0]
        assert results[rank].stats.values() == results[0].stats.values()
    assert results[0].stats.planning == whole.stats.planning
