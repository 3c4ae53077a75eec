"""Runs side by side: each path an arm, questions paired, differences and p values by hand, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hicra import Lexicon, cli
from hicra.diagnose.apart import joint_schema, run_names, same_columns
from hicra.diagnose.diagnose import diagnose
from hicra.diagnose.pairs import not_paired, pairs
from hicra.errors import ConfigError, DataError

LEXICON = Lexicon.from_phrases(["let me check"])


def table(right: list[float | None], **columns: Any) -> pl.DataFrame:
    """A prompt a row; the n-th is question n."""
    n = len(right)
    rows = {"step": [1] * n, "prompt": [f"q{i}" for i in range(n)], "hicra/accuracy": right, **columns}
    return pl.DataFrame(rows, schema_overrides={"hicra/accuracy": pl.Float64, "prompt": pl.String})


def test_a_difference_by_hand() -> None:
    """Seven questions, of which the second run solves all and the first one: p is 2 / 2^6 of six differences that are not 0."""
    [one] = pairs({"a": table([1, 0, 0, 0, 0, 0, 0]), "b": table([1] * 7)})
    assert (one["arm"], one["baseline"], one["metric"], one["questions"], one["unpaired"]) == (
        "b",
        "a",
        "hicra/accuracy",
        7,
        0,
    )
    assert (one["mean"], one["baseline_mean"], one["difference"]) == pytest.approx((1, 1 / 7, 6 / 7))
    # differences 0 and six times 1: sd = sqrt(7 * (6/7) * (1/7) / 6) = 0.378, and t(6) = 2.447 of 0.378 / sqrt(7) is 0.3496
    assert one["difference_ci"] == pytest.approx([6 / 7 - 0.3496, 6 / 7 + 0.3496], abs=1e-3)
    assert one["p"] == one["p_holm"] == pytest.approx(2 / 64)
    assert one["verdict"] == "higher"


def test_p_values_are_adjusted_for_all_that_is_compared() -> None:
    base, other = (
        table([0] * 7, **{"hicra/length": [9.0] * 7}),
        table([1] * 6 + [0], **{"hicra/length": [9.5, *[8.5] * 6]}),
    )
    accuracy, length = pairs({"a": base, "b": other})
    assert accuracy["p"] == pytest.approx(2 / 64)
    assert accuracy["p_holm"] == pytest.approx(4 / 64)  # of two, the smaller times two
    assert accuracy["verdict"] == "inconclusive"
    assert length["verdict"] == "inconclusive"


def test_the_baseline_may_be_named_and_the_sign_turns() -> None:
    [one] = pairs({"a": table([0] * 8), "b": table([1] * 8)}, "b")
    assert (one["arm"], one["difference"], one["verdict"]) == ("a", -1, "lower")
    with pytest.raises(DataError, match="--baseline c: there is no such arm"):
        pairs({"a": table([0]), "b": table([1])}, "c")


def test_only_steps_and_questions_of_both_count() -> None:
    base = pl.concat([table([0, 0, 0]), table([1, 1, 1]).with_columns(step=pl.lit(2, pl.Int64))])
    other = table([1, None]).with_columns(step=pl.lit(2, pl.Int64))
    [one] = pairs({"a": base, "b": other})
    # step 2 alone is common; question 1 has no verdict in b, and question 2 is of a alone
    assert (one["questions"], one["unpaired"], one["baseline_mean"], one["mean"]) == (1, 1, 1.0, 1.0)
    assert one["difference_ci"] is None
    later = other.with_columns(step=pl.lit(9, pl.Int64))
    [one] = pairs({"a": base, "b": later})  # no common step: the mean of a question over all of its steps
    assert one["baseline_mean"] == 0.5


def test_ids_serve_where_there_are_no_questions_and_nothing_serves_without_both() -> None:
    def bare(right: list[float | None], ids: list[str | None]) -> pl.DataFrame:
        rows = table(right).with_columns(pl.lit(None, pl.String).alias("prompt"))
        return rows.with_columns(pl.Series("id", ids, pl.String))

    [one] = pairs({"a": bare([0, 1], ["x", "y"]), "b": bare([1, 1], ["y", "x"])})
    assert one["questions"] == 2
    assert pairs({"a": bare([0], [None]), "b": bare([1], [None])}) == []


def test_a_reward_that_is_the_accuracy_is_told_once_and_zeros_not_at_all() -> None:
    same = {"hicra/reward": [0.0, 1.0], "hicra/repetition": [0.0, 0.0]}
    found = pairs({"a": table([0, 1], **same), "b": table([1, 1], **{**same, "hicra/reward": [1.0, 1.0]})})
    assert [one["metric"] for one in found] == ["hicra/accuracy"]


# ---- paths as arms
def written(folder: Path, name: str, right: list[bool], **more: Any) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    rows = [{"question": f"q{i}", "response": "let me check it", "correct": ok, **more} for i, ok in enumerate(right)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_paths_are_arms_in_their_order_and_columns_that_differ_are_kept(tmp_path: Path) -> None:
    first = written(tmp_path, "z.jsonl", [False] * 8, id=1, tag={"a": 1}, model="m")
    second = written(tmp_path, "a.jsonl", [True] * 8, id="x", tag="text", model="n")
    settings = {"tokenizer": None, "on_bad": "stop", "max_bad": 0.0, "apart": True}
    found = diagnose([first, second], LEXICON, out=tmp_path / "runs", **settings)
    assert [arm["arm"] for arm in found["arms"]] == ["z", "a"]
    assert [Path(arm["run_dir"]).name for arm in found["arms"]] == ["z", "a"]
    assert [(one["arm"], one["hicra/accuracy"]) for one in found["steps"]] == [("z", 0.0), ("a", 1.0)]
    accuracy = next(one for one in found["pairs"] if one["metric"] == "hicra/accuracy")
    assert (accuracy["arm"], accuracy["baseline"], accuracy["questions"], accuracy["difference"]) == ("a", "z", 8, 1.0)
    assert not any("models" in warning for warning in found["warnings"])
    assert [(arm["arm"], arm["rows"]) for arm in found["arms"]] == [("z", 8), ("a", 8)]


def test_a_column_that_two_runs_have_in_types_of_their_own_is_text_and_ids_are() -> None:
    first = pl.DataFrame({"id": [1], "group_id": ["g"], "tag": [{"a": 1}], "size": [1]})
    second = pl.DataFrame({"id": ["x"], "group_id": [2], "tag": ["text"], "size": [0.5], "more": [True]})
    schema = joint_schema([first, second])
    assert schema == {
        "id": pl.String, "group_id": pl.String, "tag": pl.String, "size": pl.Float64, "more": pl.Boolean
    }  # fmt: skip
    assert same_columns(first, schema).to_dicts() == [
        {"id": "1", "group_id": "g", "tag": "{'a': 1}", "size": 1.0, "more": None}
    ]


def test_what_is_refused(tmp_path: Path) -> None:
    one = written(tmp_path, "one.jsonl", [True])
    two = written(tmp_path, "two.jsonl", [True])
    settings: dict[str, Any] = {"tokenizer": None, "out": None, "on_bad": "stop", "max_bad": 0.0}
    for paths, more, said in (
        ([one], {"apart": True}, "--apart with one path"),
        ([one, one], {"apart": True}, "a path is given twice"),
        ([one, two], {"apart": True, "by": "model"}, "--apart makes each path an arm"),
        ([one, two], {"baseline": "one"}, "one run has no other arms"),
        ([one, two], {"apart": True, "quarantine": tmp_path / "q"}, "--quarantine lists the lines of one run"),
    ):
        with pytest.raises(ConfigError, match=said):
            diagnose(paths, LEXICON, **settings, **more)
    with pytest.raises(DataError, match="--baseline thre"):
        diagnose([one, two], LEXICON, **settings, apart=True, baseline="thre")


def test_many_arms_are_compared_only_where_a_baseline_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows = [{"model": f"m{i}", "question": "q", "response": "let me check", "correct": i > 4} for i in range(9)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    settings: dict[str, Any] = {"tokenizer": None, "out": None, "on_bad": "stop", "max_bad": 0.0, "by": "model"}
    found = diagnose([path], LEXICON, **settings)
    assert found["pairs"] == []
    assert "the 9 arms are not compared by question; --baseline ARM compares them with one" in found["warnings"]
    named = diagnose([path], LEXICON, **settings, baseline="m8")["pairs"]
    assert {one["baseline"] for one in named} == {"m8"}
    assert {one["arm"] for one in named} == {f"m{i}" for i in range(8)}


def test_names_are_the_ends_that_tell_paths_apart() -> None:
    assert run_names([Path("x/a.jsonl"), Path("x/b.jsonl.gz")]) == ["a", "b"]
    assert run_names([Path("a/step_1/r.jsonl"), Path("b/step_1/r.jsonl")]) == ["a/step_1/r", "b/step_1/r"]
    assert run_names([Path("r.jsonl"), Path("r.parquet")]) == ["r.jsonl", "r.parquet"]


def test_the_verb_prints_the_comparison(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [written(tmp_path, f"{name}.jsonl", [right] * 8) for name, right in (("old", False), ("new", True))]
    with pytest.raises(SystemExit) as ended:
        cli.main(["diagnose", *map(str, paths), "--apart", "-q"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "\nnew against old, paired by question:\n" in said
    # 8 differences of 1: p is 2 / 2^8, by Holm times 4, as length, planning share and reflection rate are compared, too
    assert (
        "accuracy 1 against 0 on 8 questions, difference +1.000 (95 % +1.000 to +1.000), p 0.031 by Holm: higher"
        in said
    )


# ---- what two runs do not share
def named(prompts: list[str | None], own: list[str | None], **more: Any) -> pl.DataFrame:
    """A prompt a row, in step 1; `ids` may be given beside, as measuring counts them."""
    n = len(prompts)
    rows = {"step": [1] * n, "prompt": prompts, "id": own, "hicra/length": [1.0] * n, **more}
    return pl.DataFrame(rows, schema_overrides={"prompt": pl.String, "id": pl.String})


def test_ids_serve_where_one_run_has_no_texts_if_they_name_questions() -> None:
    texts, bare = named(["p", "q", "r"], ["1", "2", "3"], ids=[1, 1, 1]), named([None, None], ["3", "2"])
    for arms in ({"a": texts, "b": bare}, {"a": bare, "b": texts}):
        [one] = pairs(arms)
        assert (one["questions"], one["unpaired"]) == (2, 1)
        assert not_paired(arms) == []


@pytest.mark.parametrize(("texts", "bare", "said"), [
    (named(["p", "q"], ["1", "2"], ids=[8, 1]), named([None], ["1"]), "b has no question texts, and the ids of a name responses"),
    (named(["p", "p"], ["1", "2"]), named([None], ["1"]), "b has no question texts, and the ids of a name responses"),
    (named(["p"], [None]), named([None], ["1"]), "a has question texts and no id, the other ids and no question texts"),
    (named(["p"], ["1"]), named([None], [None]), "b has neither question nor id in any row"),
    (named(["p"], ["1"]), named(["q"], ["1"]), "no question text stands in both, though 1 id does"),
    (named([None], ["1"]), named([None], ["2"]), "no id stands in both"),
])  # fmt: skip
def test_runs_that_cannot_be_paired_say_why(texts: pl.DataFrame, bare: pl.DataFrame, said: str) -> None:
    assert pairs({"a": texts, "b": bare}) == []
    [why] = not_paired({"a": texts, "b": bare})
    assert why.startswith("b is not compared with a by question: ")
    assert said in why


def test_a_diagnosis_says_why_and_pairs_by_ids_that_name_questions(tmp_path: Path) -> None:
    """Both files have each question twice; the second has no texts."""
    rows = [
        {"id": f"i{n % 8}", "question": f"q{n % 8}", "response": "let me check it", "correct": n < 8} for n in range(16)
    ]
    bare = [{**row, "question": None} for row in rows]
    own = [{**row, "id": f"own {at}"} for at, row in enumerate(rows)]
    for name, part in (("texts", rows), ("bare", bare), ("own", own)):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in part))
    texts, without, alone = (tmp_path / f"{name}.jsonl" for name in ("texts", "bare", "own"))
    settings = {"tokenizer": None, "on_bad": "stop", "max_bad": 0.0, "apart": True, "out": None}
    found = diagnose([texts, without], LEXICON, **settings)
    assert {one["questions"] for one in found["pairs"]} == {8}
    refused = diagnose([alone, without], LEXICON, **settings)
    assert refused["pairs"] == []
    assert any("the ids of own name responses and not questions" in said for said in refused["warnings"])
