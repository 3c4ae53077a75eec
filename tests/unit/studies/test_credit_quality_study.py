"""The study of credit quality: its parts by hand, its truth on the warm start, and its page from its result."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from paths import ROOT

STUDY = ROOT / "studies" / "hierarchy"
RESULT = STUDY / "results" / "quality.json"


@pytest.fixture(autouse=True)
def _study(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(STUDY))


def test_page_is_what_the_result_says() -> None:
    from quality_page import PAGE, page

    assert PAGE.read_text(encoding="utf-8") == page(json.loads(RESULT.read_text(encoding="utf-8")))
    assert RESULT.stat().st_size < 1_000_000


def test_importance_on_marked_sentences_by_hand() -> None:
    from anchors import figures

    marked = [np.array([True, False, False]), np.array([False, True])]
    size = [np.array([0.6, 0.2, 0.0]), np.array([0.05, 0.15])]
    found = figures(marked, size, np.array([0, 1]))
    # .6 + .15 of 1.0 on 2 of 5 sentences
    assert found["share"] == pytest.approx(0.75)
    assert found["sentences"] == pytest.approx(0.4)
    assert found["lift"] == pytest.approx(1.875)
    # ranks 3 1.5 1.5 against 3 2 1: centred 1 -.5 -.5 and 1 0 -1: 1.5 / sqrt(1.5 x 2); in the second trace 1
    assert found["rank_within"] == pytest.approx((1.5 / np.sqrt(3) + 1) / 2)
    # without the first trace .15 of .2, without the second .6 of .8: no spread
    assert found["share_ci"] == pytest.approx([0.75, 0.75])


def test_random_masks_keep_the_number_in_each_stratum() -> None:
    from anchors import by_chance, shuffled

    strata = np.array([2, 0, 0, 1, 1, 1, 0])
    flag = np.array([True, True, False, False, True, True, False])
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(50):
        moved = shuffled(flag, strata, rng)
        assert [int(moved[strata == one].sum()) for one in range(3)] == [1, 2, 1]
        seen.add(tuple(moved.tolist()))
    assert len(seen) == 9  # 3 x 3 x 1 ways
    # equal sizes: any mask with 2 of 4 sentences holds half
    assert by_chance([np.array([1, 1, 0, 0], bool)], [np.ones(4)], [np.zeros(4)]) == [0.5, 0.5, 0.5]


def test_phrases_that_hold_a_share_of_the_tokens() -> None:
    pytest.importorskip("torch")
    from quality_lists import some

    count = {"a": 50, "b": 30, "c": 15, "d": 5}
    for share, subsets in ((0.5, ["a"]), (0.2, ["c", "d"]), (0.35, ["b", "d"])):
        assert some(count, share, 0) == subsets
    assert sum(count[name] for name in some(count, 0.5, 1)) == 50


def write(words: str) -> list[int]:
    from hicra.tasks.plan_execute.language import ID_OF, PAD

    ids = [ID_OF[word] for word in words.split()]
    return ids + [ID_OF[PAD]] * (57 - len(ids))


def test_kinds_of_the_words_of_a_response() -> None:
    torch = pytest.importorskip("torch")
    from truth import Batch, kinds

    text = "i will scale drop 10 * 12 = 0 ; 0 - 3 = 17 ; 17 - 17 = 0 ; that works answer 17 <eos>"
    out = torch.tensor([write(text)] * 8)
    rewards = np.array([1.0, *[0.0] * 7])
    batch = Batch([{}] * 8, torch.zeros(8, 8), out, np.ones((8, 57)), np.zeros((8, 57)), rewards)
    assert batch.examined.tolist() == [0, 1]
    found = {name: mask[0, : len(text.split())] for name, mask in kinds([batch]).items()}
    words = np.array(text.split())
    assert words[found["plan"]].tolist() == ["i", "will", "scale", "drop"]
    assert words[found["reflect"]].tolist() == ["that", "works"]
    assert words[found["result"]].tolist() == ["0", "17", "0"]
    assert words[found["end"]].tolist() == ["answer", "17", "<eos>"]
    parts = [found[name] for name in ("plan", "reflect", "result", "end", "other execution")]
    assert (np.sum(parts, axis=0) == 1).all()
    assert (found["planning"] == (found["plan"] | found["reflect"])).all()


@pytest.mark.slow
def test_value_of_a_decided_response_and_of_a_wrong_result() -> None:
    torch = pytest.importorskip("torch")
    from network import Network
    from truth import GROUP, examine, sampled

    from hicra.tasks.plan_execute.task import PlanExecute

    task = PlanExecute()
    network = Network.load(PlanExecute.warm_start("strong"))
    torch.set_num_threads(1)
    batch = sampled(network, task, task.rows("train", 4, 5000), 5000)
    truth = examine(network, task, batch, 5000, 40)
    assert truth.live.shape == (2 * int(batch.mixed.sum()), 57)
    # the advantages of a response add up to its reward minus V of the bare problem, so reward minus sum lies in [0, 1]
    values = batch.rewards[batch.examined] - np.where(truth.live, truth.mean, 0).sum(axis=1)
    assert (values > -1e-9).all()
    assert (values < 1 + 1e-9).all()
    # both responses to a problem begin from the same V, estimated twice with 40 continuations each: within 5 standard errors
    pairs = values.reshape(-1, 2)
    assert (np.abs(pairs[:, 0] - pairs[:, 1]) < 5 * np.sqrt(2 * 0.25 / 40)).all()
    assert (batch.examined // GROUP).tolist() == truth.problems.tolist()


@pytest.mark.data
def test_labels_are_read_with_their_importance(shared_data: Any) -> None:
    from anchors import FILE, read

    traces, sizes = read(shared_data / "function_labels" / FILE)
    assert len(traces) == 32
    assert len({trace.cluster for trace in traces}) == 8
    for trace, size in zip(traces, sizes, strict=True):
        for values in size.values():
            assert len(values) == len(trace.start)
            assert (values >= 0).all()
