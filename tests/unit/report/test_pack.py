"""The JSON block of the viewer: words for keys, packed columns by hand, nothing that a rollout does not have."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from hicra.report.encode import counts, runs
from hicra.report.model import Gram, ReportModel, Rollout, Run
from hicra.report.pack import pack

RUN = Run("run", Path("run"), 0, "hicra", 0, "", {}, {}, {}, (1,), ({},), 2)
FULL = Rollout(
    0, 0, 1, "a", "g", "1 + 1 =", "let us go", 1.0, False, 0.5,
    spans=((0, 6, "let us"),), ends=(3, 6, 9), planning=(True, True, False), after=(0.6, 0.6, 0.5),
    entropies=(None, 0.25, 0.5), logprobs=(None, None, None), labels=("plan", "plan", "execute"),
)  # fmt: skip
BARE = Rollout(0, 0, 2, "", "", "", "", None, None, None)


def block(*rollouts: Rollout, grams: tuple[Gram, ...] = ()) -> dict:
    return json.loads(pack(ReportModel(("hicra",), (RUN,), rollouts, grams), 10**6)[0])


def test_a_rollout_by_hand() -> None:
    data = block(FULL, BARE, grams=(Gram("let us", 2, 7, 31.0, 9.0),))
    assert data["grams"] == [{"gram": "let us", "cluster": 7, "cluster_df": 31.0, "doc_freq": 9.0}]
    assert (data["arms"], data["runs"], data["labels"]) == (["HICRA"], ["run"], ["plan", "execute"])
    assert data["prompts"] == ["1 + 1 ="]
    assert data["rollouts"][0] == {
        "run": 0, "arm": 0, "step": 1, "name": "a · group g", "prompt": 0, "response": "let us go", "reward": 1.0,
        "correct": False, "before": 0.5, "length": 3, "spans": counts([0, 6, 0]), "ends": counts([3, 3, 3]),
        "planning": runs([True, True, False]), "after": {"values": [0.5, 0.6], "codes": "BBA"},
        "entropies": {"values": [0.25, 0.5], "codes": "_AB"}, "labels": counts([0, 0, 1]),
    }  # fmt: skip


def test_the_block_says_what_its_rollouts_have() -> None:
    data = block(FULL, replace(BARE, gold="17", found="1" * 400))
    assert data["steps"] == [1, 2]
    assert data["unit"] == "length"  # tokens in one, words in the other
    assert block(FULL)["unit"] == "tokens"
    assert data["has"] == [
        "step", "arm", "length", "planning", "correct", "question", "gold", "found", "reward", "share", "cluster", "advantage",
        "change", "entropy", "logprob", "labels",
    ]  # fmt: skip
    assert block(BARE)["has"] == ["step", "arm", "length", "planning"]
    assert (data["rollouts"][1]["gold"], len(data["rollouts"][1]["found"])) == ("17", 300)


def test_a_bare_rollout_has_few_keys() -> None:
    data = block(FULL, BARE)
    assert data["grams"] == [{"gram": "let us"}]
    assert data["rollouts"][1] == {"run": 0, "arm": 0, "step": 2, "length": 0, "response": "", "spans": ""}


def test_labels_of_words_carry_the_edges_of_the_words() -> None:
    (row,) = block(Rollout(0, 0, 1, "", "", "", "a\U0001f600  bc", None, None, None, labels=("plan", "execute")))[
        "rollouts"
    ]
    # words at 0 to 3 and 5 to 7 in UTF-16 units, each edge after the one before
    assert row["words"] == counts([0, 3, 2, 2])
    assert row["labels"] == counts([0, 1])


def test_every_key_is_a_word() -> None:
    def keys(value: object) -> set[str]:
        if isinstance(value, dict):
            return set(value) | {key for inner in value.values() for key in keys(inner)}
        return {key for inner in value for key in keys(inner)} if isinstance(value, list) else set()

    long = Rollout(0, 0, 1, "", "", "", "word " * 400, None, True, None)
    data = json.loads(pack(ReportModel(("hicra",), (RUN,), (long, FULL), ()), 1500)[0])
    assert data["rollouts"][0]["whole"]["length"] == 2000
    assert data["rollouts"][0]["whole"]["end"] == "word " * 40
    assert min(map(len, keys(data))) >= 3
