"""Run folders -> model: which rollouts, which arms, and what is said about bad input."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from hicra.compare.compare import compare
from hicra.errors import ArtifactError
from hicra.report.build import build_model
from hicra.report.clusters import cluster_table
from hicra.report.sample import Place, choose, index, shares
from hicra.runs import RunFolder
from report_fakes import fake_run, rollout_rows


def test_two_hundred_rollouts_even_over_arms_and_steps(tmp_path: Path) -> None:
    runs = [fake_run(tmp_path / f"{m}{s}", m, s, steps=10) for m in ("hicra", "none") for s in (0, 1)]
    model = build_model(runs)
    assert model.arms == ("none", "hicra")
    assert len(model.rollouts) == 200
    assert model.total_rollouts == 2 * 2 * 10 * 16
    assert Counter(rollout.arm for rollout in model.rollouts) == {0: 100, 1: 100}
    assert set(Counter((rollout.arm, rollout.step) for rollout in model.rollouts).values()) == {10}
    prompts = [{(r.step, r.prompt) for r in model.rollouts if r.arm == arm} for arm in (0, 1)]
    assert prompts[0] == prompts[1]  # the same prompts in both arms


def test_choice_is_the_same_every_time(tmp_path: Path) -> None:
    run = fake_run(tmp_path / "run", steps=30)
    assert build_model([run], limit=50) == build_model([run], limit=50)


def test_more_steps_than_places_are_spread(tmp_path: Path) -> None:
    places = [Place(0, tmp_path, step, step, 0) for step in range(1000)]
    steps = [place.step for place in choose([places], 11)]
    assert len(steps) == 11
    assert steps[0] == 0
    assert steps[-1] == 999
    assert max(b - a for a, b in itertools.pairwise(steps)) <= 101


def test_rollouts_with_a_tree_are_chosen_first(tmp_path: Path) -> None:
    file = tmp_path / "step-000001.parquet"
    trees = [None, None, '[[-1, "", 0.0, null]]', None, '[[-1, "", 1.0, null]]', None]
    pl.DataFrame({"step": [1] * 6, "prompt": list("abcabc"), "response": ["r"] * 6, "tree": trees}).write_parquet(file)
    assert sorted(place.row for place in choose([index(0, [file])], 2)) == [2, 4]
    pl.DataFrame({"step": [1] * 6, "prompt": list("abcabc"), "response": ["r"] * 6}).write_parquet(file)
    assert not any(place.drawn for place in index(0, [file]))


def test_shares_give_what_small_ones_cannot_take_to_others() -> None:
    assert shares([2, 100, 100], 200) == [2, 99, 99]
    assert shares([3, 2], 200) == [3, 2]
    assert shares([], 5) == []
    assert shares([5, 5, 5], 2) == [1, 0, 1]


def test_rollout_columns(tmp_path: Path) -> None:
    model = build_model([fake_run(tmp_path / "run", "hicra", steps=2)])
    for rollout in model.rollouts:
        assert "".join(rollout.tokens()) == rollout.response
        assert len(rollout.planning) == len(rollout.after) == len(rollout.ends)
        assert all(rollout.response[start:end] == gram for start, end, gram in rollout.spans)
        changed = [abs(value - rollout.before) > 1e-9 for value in rollout.after]
        assert changed == list(rollout.planning)


def test_settings_split_a_method_into_arms(tmp_path: Path) -> None:
    runs = [
        fake_run(
            tmp_path / str(alpha), "hicra", 0, 2, config={"method": {"name": "hicra", "settings": {"alpha": alpha}}}
        )
        for alpha in (0.1, 0.4)
    ]
    assert build_model(runs).arms == ("hicra(alpha=0.1)", "hicra(alpha=0.4)")


def test_the_page_names_arms_as_compare_does(tmp_path: Path) -> None:
    slow, fast = ({"steps": 2, "learning_rate": rate, "threads": threads} for rate, threads in ((0.1, 1), (0.5, 8)))
    defaults, written_out = ({"name": "hicra", "settings": settings} for settings in ({}, {"alpha": 0.2}))
    runs = [
        fake_run(tmp_path / "none", "none", 0, 2, config={"train": slow}),
        fake_run(tmp_path / "defaults", "hicra", 0, 2, config={"method": defaults, "train": slow}),
        fake_run(tmp_path / "written out", "hicra", 1, 2, config={"method": written_out, "train": slow | {"seed": 1}}),
        fake_run(tmp_path / "fast", "hicra", 0, 2, config={"method": written_out, "train": fast}),
    ]
    model = build_model(runs)
    assert model.arms == ("none", "hicra(train.learning_rate=0.1)", "hicra(train.learning_rate=0.5)")
    assert [run.arm for run in model.runs] == [0, 1, 1, 2]
    assert [arm["arm"] for arm in compare(runs, "none", "hicra/accuracy")["arms"]] == list(model.arms)


def test_grams_with_rates_by_hand_and_the_lexicon_of_the_config(tmp_path: Path) -> None:
    lexicon = tmp_path / "lexicon"
    lexicon.mkdir()
    table = {"gram": ["b c"], "n": [2], "cluster": [7], "cluster_df": [31], "doc_freq": [9]}
    pl.DataFrame(table).write_parquet(lexicon / "grams.parquet")
    folder = RunFolder.create(tmp_path / "run", method="none", seed=0, config={"lexicon": str(lexicon)})
    for step, spans in ((1, 1), (2, 0), (3, 2)):
        row = {"step": step, "response": "a b c b c", "spans": [{"start": 2, "end": 5, "gram": "b c"}] * spans}
        folder.write_rollouts(step, pl.DataFrame([row, {**row, "spans": []}], schema_overrides=SCHEMA))
    (gram,) = build_model([tmp_path / "run"]).grams
    assert (gram.text, gram.n, gram.cluster, gram.cluster_df, gram.doc_freq, gram.total) == ("b c", 2, 7, 31, 9, 3)
    assert gram.early == (50.0,)  # one occurrence in the two rollouts of step 1
    assert gram.late == (100.0,)  # two in the two of step 3
    model = build_model([tmp_path / "run"], lexicon)
    assert model.grams == (gram,)
    assert cluster_table(model)["rows"] == [["7", "b c", "31", "50", "100", "a b c b c"]]


SCHEMA = {"spans": pl.List(pl.Struct({"start": pl.Int64, "end": pl.Int64, "gram": pl.String}))}


def test_gold_and_found_answers(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "run", method="none", seed=0, config={})
    rows = [
        {"step": 1, "response": r"so \boxed{5}, not 6", "answer": "5", "extracted": None},
        {"step": 1, "response": "it is 7.", "answer": None, "extracted": None},
        {"step": 1, "response": "no idea", "answer": "8", "extracted": "nine"},
        {"step": 1, "response": "no idea", "answer": None, "extracted": None},
    ]
    folder.write_rollouts(1, pl.DataFrame(rows))
    found = {(one.gold, one.found) for one in build_model([tmp_path / "run"]).rollouts}
    assert found == {("5", "5"), ("", "7"), ("8", "nine"), ("", "")}


def test_mask_without_spans_becomes_spans_and_the_other_way_round(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "run", method="none", seed=0, config={})
    ends = {"step": 1, "response": "let us go", "token_ends": [3, 6, 9]}
    folder.write_rollouts(1, pl.DataFrame([{**ends, "planning_mask": [1, 1, 0]}]))
    span = [{"start": 4, "end": 6, "gram": "us"}]
    folder.write_rollouts(2, pl.DataFrame([{**ends, "step": 2, "spans": span}]))
    first, second = build_model([tmp_path / "run"]).rollouts
    assert first.spans == ((0, 6, ""),)
    assert second.planning == (False, True, False)


def test_what_does_not_fit_is_left_out_and_said(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "run", method="none", seed=0, config={})
    row = {
        "step": 1,
        "response": "let us",
        "token_ends": [3, 6],
        "entropies": [0.1],
        "labels": ["plan"],
        "spans": [{"start": 4, "end": 60, "gram": "us"}],
    }
    folder.write_rollouts(1, pl.DataFrame([row, {**row, "token_ends": [6, 3], "labels": ["a", "b"]}]))
    (folder.path / "metrics.jsonl").write_text('{"step": 1, "hicra/accuracy": 0.5, "hicra/phase": "one"}\n')
    model = build_model([tmp_path / "run"])
    assert [rollout.entropies for rollout in model.rollouts] == [(), ()]
    said = " ".join(model.notes)
    for word in ("entropies", "labels", "spans", "token_ends", "phase"):
        assert word in said


@pytest.mark.parametrize("parts", [{"metrics": False}, {"rollouts": False}])
def test_either_half_is_enough(tmp_path: Path, parts: dict[str, bool]) -> None:
    model = build_model([fake_run(tmp_path / "run", steps=3, **parts)])
    assert bool(model.rollouts) == parts.get("rollouts", True)
    assert bool(model.runs[0].metrics) == parts.get("metrics", True)


def test_bad_input_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no run folder given"):
        build_model([])
    with pytest.raises(ArtifactError, match="absent"):
        build_model([tmp_path / "absent"])
    (tmp_path / "plain").mkdir()
    with pytest.raises(ArtifactError, match=r"hicra\.json"):
        build_model([tmp_path / "plain"])
    run = fake_run(tmp_path / "empty", metrics=False, rollouts=False)
    with pytest.raises(ArtifactError, match="is empty"):
        build_model([run])
    run = fake_run(tmp_path / "run", steps=2)
    with pytest.raises(ArtifactError, match="twice"):
        build_model([run, tmp_path / "." / "run"])
    with pytest.raises(ArtifactError, match="no lexicon folder"):
        build_model([run], tmp_path / "nowhere")
    (run / "rollouts" / "step-000001.parquet").write_bytes(b"PAR1 torn")
    with pytest.raises(ArtifactError, match=r"step-000001\.parquet is not readable"):
        build_model([run])
    pl.DataFrame({"step": [1]}).write_parquet(run / "rollouts" / "step-000001.parquet")
    with pytest.raises(ArtifactError, match="no column response"):
        build_model([run])
    (run / "rollouts" / "step-000001.parquet").unlink()
    (run / "metrics.jsonl").write_text(json.dumps({"hicra/accuracy": 1.0}) + "\n")
    with pytest.raises(ArtifactError, match="line 1 has no whole-number step"):
        build_model([run])


def test_conversation_prompts_are_read_as_text(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "run", method="none", seed=0, config={})
    row = {**rollout_rows(1, "none", 0, 1, 0.5)[0], "prompt": [{"role": "user", "content": "Add 1."}]}
    folder.write_rollouts(1, pl.DataFrame([row]))
    assert build_model([tmp_path / "run"]).rollouts[0].prompt == "user: Add 1."


def test_without_prompts_the_same_ids_of_all_arms_are_chosen(tmp_path: Path) -> None:
    paths = []
    for name, first in (("a", 0), ("b", 30)):  # ids 30 to 39 are in both
        folder = RunFolder.create(tmp_path / name, method=name, seed=0, config={})
        ids = [f"q{at}" for at in range(first, first + 40)]
        folder.write_rollouts(1, pl.DataFrame({"step": [1] * 40, "id": ids, "response": ["x"] * 40}))
        paths.append(folder.path)
    model = build_model(paths, limit=20)
    for arm in (0, 1):
        assert {one.id for one in model.rollouts if one.arm == arm} == {f"q{at}" for at in range(30, 40)}
