"""Tables: paired by name whatever the order of rows, and each kind of bad row refused by file and line."""

import json
import random

import numpy as np
import polars as pl
import pytest

from hicra.compare.analyse import analyse
from hicra.compare.compare import compare
from hicra.compare.scores import Scores
from hicra.errors import ConfigError, DataError

HEAD = "arm,seed,value\n"


def write(tmp_path, text, name="t.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def rows(arms=("a", "b"), seeds=range(8), questions=None, seed=0):
    rng = np.random.default_rng(seed)
    level = {s: rng.normal() for s in seeds}
    out = []
    for at, arm in enumerate(arms):
        for s in seeds:
            for q in questions or [None]:
                row = {"arm": arm, "seed": s, "value": level[s] + 0.5 * at + 0.1 * rng.normal()}
                out.append(row if q is None else row | {"question": q})
    return out


def save(tmp_path, table, kind):
    path = tmp_path / f"t.{kind}"
    if kind == "csv":
        pl.DataFrame(table).write_csv(path)
    elif kind == "parquet":
        pl.DataFrame(table).write_parquet(path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in table))
    return path


def test_by_hand(tmp_path):
    # base .1 .2 .3, treatment .3 .3 .3: differences .2 .1 0, mean .1, sd .1, t(2) = 4.3027 -> half width .2484
    text = HEAD + "grpo,0,0.1\ngrpo,1,0.2\ngrpo,2,0.3\nhicra,2,0.3\nhicra,0,0.3\nhicra,1,.3\n"
    found = compare([write(tmp_path, text)], "grpo")
    (row,) = found["comparisons"]
    assert (row["arm"], row["n_seeds"], row["verdict"]) == ("hicra", 3, "inconclusive")
    assert row["mean"] == pytest.approx(0.3)
    assert row["ci"] == pytest.approx([0.3, 0.3])
    assert row["difference"] == pytest.approx(0.1)
    assert row["difference_ci"] == pytest.approx([0.1 - 0.2484, 0.1 + 0.2484], abs=1e-4)
    assert row["p"] == row["p_holm"] == 0.5  # |+-.2 +-.1 +-0| reaches .3 in 4 of 8
    assert row["prob_improvement"] == pytest.approx(7.5 / 9)  # each .3 beats .1 and .2, ties .3
    # sd .1: delta of 3 pairs is 3.2640 sqrt(3), so the gap is .3264
    assert found["power"]["comparisons"][0]["smallest_gap"] == pytest.approx(0.3264, abs=1e-4)
    assert found["arms"][0]["values"] == pytest.approx([0.1, 0.2, 0.3])
    assert found["warnings"] == []
    assert "6" in row["why"]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_the_kind_of_file_and_the_order_of_rows_never_matter(tmp_path, kind):
    table = rows(arms=("a", "b", "c"), questions=["q1", "q2", "q10"])
    plain = compare([save(tmp_path, table, "csv")], "a")
    random.Random(1).shuffle(table)
    assert compare([save(tmp_path, table, kind)], "a") == plain
    json.dumps(plain, allow_nan=False)


def test_an_arms_mean_is_the_mean_over_seeds_of_question_means(tmp_path):
    table = rows(questions=["x", "y"])
    found = compare([save(tmp_path, table, "parquet")], "a")
    b = np.array([[r["value"] for r in table if r["arm"] == "b" and r["seed"] == s] for s in range(8)])
    assert found["comparisons"][0]["mean"] == pytest.approx(b.mean(axis=1).mean())
    assert found["questions"] == 2
    low, high = found["comparisons"][0]["question_ci"]
    assert low < found["comparisons"][0]["difference"] < high


def test_equal_arms_differ_by_exactly_nothing(tmp_path):
    table = [r for r in rows(questions=[f"q{i}" for i in range(7)]) if r["arm"] == "a"]
    table += [r | {"arm": "b"} for r in table]
    random.Random(2).shuffle(table)
    (row,) = compare([save(tmp_path, table, "csv")], "a")["comparisons"]
    assert (row["difference"], row["difference_ci"], row["p"], row["verdict"]) == (0, [0, 0], 1, "inconclusive")


def test_swapping_the_arms_is_a_mirror(tmp_path):
    path = save(tmp_path, rows(), "csv")
    (one,), (other,) = (compare([path], base)["comparisons"] for base in ("a", "b"))
    assert (one["verdict"], other["verdict"]) == ("better", "worse")
    assert other["difference"] == pytest.approx(-one["difference"])
    assert other["difference_ci"] == pytest.approx([-x for x in reversed(one["difference_ci"])])
    assert other["p"] == one["p"]


def test_lower_can_be_better(tmp_path):
    path = save(tmp_path, rows(), "csv")
    (plain,), (turned,) = (compare([path], "a", lower_is_better=x)["comparisons"] for x in (False, True))
    assert (plain["verdict"], turned["verdict"]) == ("better", "worse")
    assert turned["difference"] == plain["difference"]
    assert turned["prob_improvement"] == pytest.approx(1 - plain["prob_improvement"])


def test_another_column_can_be_the_value(tmp_path):
    table = [r | {"length": -r["value"]} for r in rows()]
    found = compare([save(tmp_path, table, "csv")], "a", "length")
    assert found["metric"] == "length"
    assert found["comparisons"][0]["verdict"] == "worse"


def test_unpaired_seeds_are_named_and_left_out(tmp_path):
    table = [r for r in rows() if (r["arm"], r["seed"]) not in (("b", 7), ("a", 2))]
    found = compare([save(tmp_path, table, "csv")], "a")
    assert found["comparisons"][0]["n_seeds"] == 6
    assert found["comparisons"][0]["seeds"] == [0, 1, 3, 4, 5, 6]
    assert any("'b' lacks seed 7" in said for said in found["warnings"])
    assert any("'a' lacks seed 2" in said for said in found["warnings"])
    base = [r["value"] for r in table if r["arm"] == "a" and r["seed"] != 7]
    assert found["comparisons"][0]["baseline_mean"] == pytest.approx(np.mean(base))


def test_five_seeds_are_never_enough_and_one_seed_is_no_error(tmp_path):
    huge = [r | {"value": r["value"] + 50 * (r["arm"] == "b")} for r in rows(seeds=range(5))]
    assert compare([save(tmp_path, huge, "csv")], "a")["comparisons"][0]["verdict"] == "inconclusive"
    (row,) = compare([save(tmp_path, rows(seeds=range(1)), "csv")], "a")["comparisons"]
    assert (row["n_seeds"], row["difference_ci"], row["verdict"]) == (1, [None, None], "inconclusive")


def test_holm_over_arms_and_a_warning_where_no_verdict_is_possible(tmp_path):
    table = rows(arms=("a", "b", "c", "d"), seeds=range(6))
    found = compare([save(tmp_path, table, "csv")], "a")
    p = [row["p"] for row in found["comparisons"]]
    assert [row["p_holm"] for row in found["comparisons"]] == pytest.approx([3 * min(p)] * 3)
    assert {row["verdict"] for row in found["comparisons"]} == {"inconclusive"}
    assert any("7 seeds would allow one" in said for said in found["warnings"])
    more = compare([save(tmp_path, rows(arms=("a", "b", "c", "d")), "csv")], "a")
    assert {row["verdict"] for row in more["comparisons"]} == {"better"}


def test_null_experiments_of_three_arms_are_rarely_called():
    rng, called = np.random.default_rng(0), 0
    arms, seeds = [f"arm{i}" for i in range(4) for _ in range(8)], list(range(8)) * 4
    for _ in range(300):
        values = (rng.normal(0, 3, 8) + rng.normal(0, 1, (4, 8))).reshape(-1)
        found = analyse(Scores.from_rows(arms, seeds, None, values), "arm0")["comparisons"]
        called += any(row["verdict"] != "inconclusive" for row in found)
    assert called / 300 <= 0.05 + 2.5 * (0.05 * 0.95 / 300) ** 0.5


def test_iqm_from_ten_seeds_on(tmp_path):
    assert compare([save(tmp_path, rows(seeds=range(9)), "csv")], "a")["arms"][0]["iqm"] is None
    arm = compare([save(tmp_path, rows(seeds=range(10)), "csv")], "a")["arms"][0]
    assert arm["iqm_ci"][0] <= arm["iqm"] <= arm["iqm_ci"][1]


def test_seeds_and_names_of_all_kinds(tmp_path):
    text = HEAD + "".join(f'"a, ""quoted""",s{i},{i}e-1\nβ,s{i},+{i}.5\n' for i in range(3))
    found = compare([write(tmp_path, "\ufeff" + text)], "β")
    assert found["comparisons"][0]["arm"] == 'a, "quoted"'
    assert found["comparisons"][0]["seeds"] == ["s0", "s1", "s2"]
    verdicts = [{"arm": arm, "seed": 1.0, "value": value, "question": 3} for arm, value in (("a", True), ("b", False))]
    assert compare([save(tmp_path, verdicts, "jsonl")], "a")["comparisons"][0]["difference"] == -1


def test_two_tables_are_one(tmp_path):
    table = rows()
    (tmp_path / "one").mkdir()
    parts = [save(tmp_path / "one", table[:5], "csv"), save(tmp_path, table[5:], "jsonl")]
    assert compare(parts, "a") == compare([save(tmp_path, table, "parquet")], "a")


BAD = [
    ("", "no column 'arm': it is empty\n  fix: a table has the columns arm, seed, value"),
    (HEAD, "holds no row"),
    ("arm,sed,value\na,1,2\n", "no column 'seed'.*\n.*sed"),
    ("arm,seed,value,arm\na,1,2,b\n", "'arm' twice"),
    (HEAD + "a,1,0.5\na,2\n", "line 3 has 2 fields"),
    (HEAD + "a,1,0.5\nb,1,nan\n", "line 3: value is 'nan'"),
    (HEAD + "a,1,0.5\nb,1,1e999\n", "line 3: value is inf"),
    (HEAD + "a,1,0.5\nb,1,\n", "line 3: value is ''"),
    (HEAD + "a,1,1_000\n", "line 2: value is '1_000'"),
    (HEAD + "a,1,half\n", "line 2: value is 'half'"),
    (HEAD + "a,,1\n", "line 2: seed is ''"),
    (HEAD + ",1,1\n", "line 2: arm is ''"),
    (HEAD + "a,1,1\nb,1,1\na,01,2\n", "line 4: arm 'a', seed 1 was given before, .*line 2"),
    ("arm,seed,value,question\na,1,1,q\na,1,2,q\nb,1,1,q\n", "line 3: arm 'a', seed 1, question 'q' was given before"),
    ("arm,seed,value,question\na,1,1,q\nb,1,1,q\nb,1,1,r\n", "arm 'a', seed 1 lacks 1 of 2 questions: 'r'"),
    (HEAD + "a,1,1\n", "only one arm"),
    (HEAD + "a,1,1\nb,2,1\n", "share no seed"),
    (HEAD + 'a,1,"1\n', "not readable CSV"),
]


@pytest.mark.parametrize(("text", "said"), BAD)
def test_bad_tables(tmp_path, text, said):
    with pytest.raises(DataError, match=said) as caught:
        compare([write(tmp_path, text)], "a")
    assert caught.value.fix


def test_one_arm_is_too_few_whether_or_not_a_baseline_is_named(tmp_path):
    with pytest.raises(DataError, match="there is only one arm, 'a'"):
        compare([write(tmp_path, HEAD + "a,1,1\n")])


def test_bad_lines_of_other_kinds(tmp_path):
    good = '{"arm": "a", "seed": 1, "value": 1}\n'
    for line, said in (
        ("{", "line 2"),
        ('{"arm": "a", "seed": 2}', "'value' is in"),
        ('{"arm":"a","seed":2,"value":NaN}', "NaN"),
    ):
        with pytest.raises(DataError, match=said):
            compare([write(tmp_path, good + line, "t.jsonl")], "a")
    with pytest.raises(DataError, match="line 1: seed is True"):
        compare([write(tmp_path, good.replace('"seed": 1', '"seed": true'), "t.jsonl")], "a")
    with pytest.raises(DataError, match="not readable parquet"):
        compare([write(tmp_path, "no", "t.parquet")], "a")
    frame = pl.DataFrame({"arm": ["a", "b"], "seed": [1, 1], "value": [1.0, float("nan")]})
    frame.write_parquet(tmp_path / "n.parquet")
    with pytest.raises(DataError, match=r"n.parquet row 2: value is nan"):
        compare([tmp_path / "n.parquet"], "a")
    (tmp_path / "latin.csv").write_bytes(HEAD.encode() + b"\xe9,1,1\n")
    with pytest.raises(DataError, match="not readable CSV"):
        compare([tmp_path / "latin.csv"], "a")
    with pytest.raises(DataError, match="column `question`"):
        compare([write(tmp_path, good, "t.jsonl"), write(tmp_path, "arm,seed,value,question\na,2,1,q\n")], "a")


def test_empty_lines_between_the_rows_of_a_table_are_none(tmp_path):
    lines = [f'{{"arm": "{arm}", "seed": {seed}, "value": {seed}}}' for arm in "ab" for seed in (1, 2)]
    plain = compare([write(tmp_path, "\n".join(lines), "t.jsonl")], "a")
    assert plain == compare([write(tmp_path, "\ufeff\n" + " \r\n\n".join(lines) + "\n\n", "t.jsonl")], "a")
    with pytest.raises(DataError, match=r"t\.jsonl line 3: not JSON"):
        compare([write(tmp_path, lines[0] + "\n\nx\n", "t.jsonl")], "a")


def test_bad_arguments(tmp_path):
    path = save(tmp_path, rows(arms=("grpo", "hicra")), "csv")
    with pytest.raises(ConfigError, match="nothing to compare"):
        compare([])
    with pytest.raises(ConfigError, match=r"no arm is called 'gpro'\n.*'grpo'"):
        compare([path], "gpro")
    with pytest.raises(ConfigError, match=r"no baseline named\n.*grpo, hicra"):
        compare([path])
    with pytest.raises(DataError, match=r"no column 'valeu'.*\n.*'value'"):
        compare([path], "grpo", "valeu")
    with pytest.raises(DataError, match="does not exist"):
        compare([tmp_path / "none.csv"], "grpo")
    with pytest.raises(DataError, match="no table"):
        compare([write(tmp_path, "x", "t.xlsx")], "grpo")
    with pytest.raises(ConfigError, match="confidence"):
        compare([path], "grpo", confidence=95)


def test_rows_that_share_nothing_do_not_fill_the_memory(tmp_path):
    table = [{"arm": f"a{i}", "seed": i, "value": 1.0, "question": f"q{i}"} for i in range(3000)]
    with pytest.raises(DataError, match="lacks 2999 of 3000 questions.*and 2994 more"):
        compare([save(tmp_path, table, "csv")], "a0")


def test_what_only_rounding_tells_apart_is_inconclusive(tmp_path):
    lines = [f"none,{seed},{0.7 + 0.1!r}\nhicra,{seed},0.8\n" for seed in range(7)]
    assert 0.7 + 0.1 != 0.8
    (row,) = compare([write(tmp_path, HEAD + "".join(lines))], "none")["comparisons"]
    assert (row["difference"], row["p"], row["prob_improvement"], row["verdict"]) == (0, 1, 0.5, "inconclusive")


def test_a_decimal_comma_is_told_apart_from_a_missing_value(tmp_path):
    path = tmp_path / "t.csv"
    for given, fix in (("0,5", "write it with a full stop"), ("none", "leave that seed out of every arm")):
        path.write_text(f'arm,seed,value\na,0,"{given}"\nb,0,0.5\n')
        with pytest.raises(DataError) as caught:
            compare([path], "a")
        assert caught.value.fix.startswith(fix)
