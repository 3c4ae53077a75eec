"""Run folders: arms by method and settings, seeds from hicra.json, unlike runs refused by name."""

import json
import xml.etree.ElementTree as ET

import pytest

from hicra.compare.compare import compare
from hicra.compare.plot import save_plot
from hicra.compare.text import render
from hicra.errors import ArtifactError, ConfigError, DataError
from hicra.runs import RunFolder
from hicra.runs.sections import RunConfig

INPUTS = {"lexicon": "l" * 64, "model": "m" * 64, "data": "d" * 64, "verifier": "v" * 64, "prompt": "p" * 64}


def make(
    tmp_path, method, seed, value, *, settings=None, then=(), inputs=None, steps=4, evaluation=None, name=None, **config
):
    whole = {
        "method": {"name": method, "settings": settings or {}, "then": list(then)},
        "task": {"name": "toy", "settings": {}},
        "train": {"seed": seed, "steps": 4, "learning_rate": 0.1, "threads": 1},
        **config,
    }
    run = RunFolder.create(
        tmp_path / (name or f"{method}-{seed}"), method=method, seed=seed, config=whole, inputs=INPUTS | (inputs or {})
    )
    for step in range(1, steps + 1):
        run.log(step, {"hicra/accuracy": value * step / 4, "hicra/length": 10.0, "hicra/semantic_entropy": None})
    if evaluation is not None:
        (run.path / "evaluation.json").write_text(json.dumps({"start": {"accuracy": 0}, "final": evaluation}))
    return run.path


def pairs(tmp_path, seeds=range(6), arms=("none", "hicra"), **more):
    return [
        make(tmp_path, arm, seed, 0.4 + 0.01 * seed + 0.1 * at + 0.001 * (seed % 2) * at, **more)
        for at, arm in enumerate(arms)
        for seed in seeds
    ]


def test_arms_seeds_and_the_last_step(tmp_path):
    found = compare(pairs(tmp_path))
    (row,) = found["comparisons"]
    assert (found["baseline"], found["metric"]) == ("none", "hicra/accuracy")
    assert "last step (4)" in found["checkpoint_rule"]
    assert (row["arm"], row["seeds"], row["verdict"]) == ("hicra", [0, 1, 2, 3, 4, 5], "better")
    assert row["difference"] == pytest.approx(0.1005)
    assert row["p"] == 2 / 64
    json.dumps(found, allow_nan=False)


def test_the_order_of_runs_and_their_names_do_not_matter(tmp_path):
    paths = pairs(tmp_path)
    assert compare(paths[::-1], "none") == compare(paths, "none") == compare([tmp_path], "none")


def test_held_out_accuracy_is_the_default_where_every_run_has_it(tmp_path):
    paths = [
        make(tmp_path, arm, 0, 0.1, evaluation={"accuracy": 0.3 + 0.2 * at}) for at, arm in enumerate(("none", "hicra"))
    ]
    found = compare(paths)
    assert found["metric"] == "eval/accuracy"
    assert "final model" in found["checkpoint_rule"]
    assert found["comparisons"][0]["difference"] == pytest.approx(0.2)
    lost = json.dumps({"final": {"accuracy": 0.3, "unscorable": 2, "problems": 50}})
    (paths[0] / "evaluation.json").write_text(lost)
    assert compare(paths)["warnings"] == ["arm 'none': 2 of 50 held-out answers could not be scored and count as wrong"]
    (paths[0] / "evaluation.json").unlink()
    assert compare(paths)["metric"] == "hicra/accuracy"
    with pytest.raises(DataError, match="none-0 has no metric 'eval/accuracy'"):
        compare(paths, metric="eval/accuracy")


def test_learning_curves(tmp_path):
    # curves value * 1/4, 2/4, 3/4, 1: area over a length of 3 is value * (3/8 + 5/8 + 7/8) / 3 = value * 0.625
    found = compare(pairs(tmp_path, seeds=[0]), metric="auc:hicra/accuracy")
    assert found["arms"][0]["mean"] == pytest.approx(0.4 * 0.625)
    steps = compare(pairs(tmp_path / "s"), metric="steps_to:0.35:hicra/accuracy")
    assert not steps["higher_is_better"]
    assert steps["arms"][0]["values"] == [4] * 6  # .4 to .45: 3/4 of them is under .35
    assert steps["comparisons"][0]["arm"] == "hicra"
    assert steps["arms"][1]["values"] == [3] * 6  # .5 and more: 3/4 of .5 is .375
    assert (steps["comparisons"][0]["difference"], steps["comparisons"][0]["verdict"]) == (-1, "better")
    late = compare([tmp_path / "s"], metric="steps_to:0.5:hicra/accuracy")
    assert any("6 of 12 runs never got to 0.5" in said for said in late["warnings"])


def test_a_step_that_trains_on_an_earlier_generation_counts_with_its_value(tmp_path):
    # two steps a generation: 0.1 0.1 0.2 0.2 of 0.4, where every second step has no value of its own
    train = {"seed": 0, "steps": 4, "iterations": 2}
    paths = [make(tmp_path, arm, 0, 0.4, train=train) for arm in ("none", "hicra")]
    for path in paths:
        rows = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
        for row, value in zip(rows, (0.1, None, 0.2, None), strict=True):
            row["hicra/accuracy"] = value
        (path / "metrics.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    expected = {
        "hicra/accuracy": 0.2, "at2:hicra/accuracy": 0.1, "at4:hicra/accuracy": 0.2, "last3:hicra/accuracy": 0.5 / 3,
        "auc:hicra/accuracy": 0.15, "steps_to:0.15:hicra/accuracy": 3, "steps_to:0.12:2:hicra/accuracy": 3,
    }  # fmt: skip
    for metric, value in expected.items():
        found = compare(paths, metric=metric)
        assert found["arms"][0]["mean"] == pytest.approx(value), metric
        assert any("train.iterations is above 1): none-0, hicra-0" in said for said in found["warnings"])
    rows[2]["hicra/accuracy"] = None  # a whole generation without a value stays one
    (path / "metrics.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    with pytest.raises(DataError, match="no value of hicra/accuracy at step 3"):
        compare(paths, metric="last3:hicra/accuracy")


def test_settings_name_the_arms(tmp_path):
    paths = [make(tmp_path, "none", 0, 0.4)]
    paths += [make(tmp_path, "hicra", 0, 0.5, settings={"alpha": a}, name=f"h{a}") for a in (0.2, 0.4)]
    assert [arm["arm"] for arm in compare(paths)["arms"]] == ["none", "hicra(alpha=0.2)", "hicra(alpha=0.4)"]
    with pytest.raises(ConfigError, match=r"no arm is called 'hicra'"):
        compare(paths, "hicra")


def test_a_default_that_is_written_out_makes_no_arm(tmp_path):
    paths = [make(tmp_path, "none", 0, 0.4), make(tmp_path, "none", 1, 0.4)]
    paths += [make(tmp_path, "hicra", 0, 0.5), make(tmp_path, "hicra", 1, 0.5, settings={"alpha": 0.2})]
    assert [arm["arm"] for arm in compare(paths)["arms"]] == ["none", "hicra"]


def test_the_rest_of_the_config_and_the_lexicon_name_arms_too(tmp_path):
    train = {"seed": 0, "steps": 4, "learning_rate": 0.5, "threads": 8}
    paths = [make(tmp_path, "none", 0, 0.4), make(tmp_path, "hicra", 0, 0.5)]
    paths += [make(tmp_path, "hicra", 0, 0.5, train=train, name="fast")]
    names = [arm["arm"] for arm in compare(paths)["arms"]]
    assert names == ["none", "hicra(train.learning_rate=0.1)", "hicra(train.learning_rate=0.5)"]
    other = make(tmp_path, "hicra", 0, 0.5, inputs={"lexicon": "k" * 64}, name="mined")
    assert "hicra(lexicon=kkkkkkkk)" in [arm["arm"] for arm in compare([paths[0], paths[1], other])["arms"]]


def test_what_differs_besides_the_method_is_said(tmp_path):
    train = {"seed": 0, "steps": 4, "learning_rate": 0.5}
    found = compare([make(tmp_path, "none", 0, 0.4), make(tmp_path, "hicra", 0, 0.5, train=train)])
    assert any("differ in train.learning_rate: hicra 0.5, none 0.1" in said for said in found["warnings"])


@pytest.mark.parametrize("name", ["data", "prompt", "verifier", "something_else"])
def test_unlike_inputs_are_refused(tmp_path, name):
    paths = [make(tmp_path, "none", 0, 0.4), make(tmp_path, "hicra", 0, 0.5, inputs={name: "x" * 64})]
    with pytest.raises(DataError, match=f"input '{name}' differs: .* in .*none-0, xxxxxxxxxxxxxxxx in .*hicra-0"):
        compare(paths)


def test_runs_diagnosed_from_two_files_are_sent_to_diagnose(tmp_path):
    paths = []
    for name in ("base", "tuned"):
        made = RunFolder.create(
            tmp_path / name, method="observed", seed=0, config={"lexicon": "paper"}, inputs={f"{name}.jsonl": name * 8}
        )
        made.log(1, {"hicra/accuracy": 0.5})
        paths.append(made.path)
    with pytest.raises(DataError) as refused:
        compare(paths)
    assert "hicra diagnose FILE FILE --apart -o RUNS" in str(refused.value.fix)
    assert "run one of the arms again" not in str(refused.value.fix)


def test_unlike_tasks_and_evaluations_are_refused(tmp_path):
    paths = [
        make(tmp_path, "none", 0, 0.4),
        make(tmp_path, "hicra", 0, 0.5, task={"name": "toy", "settings": {"shots": 4}}),
    ]
    with pytest.raises(DataError, match=r"task\.settings\.shots differs: absent in .*, 4 in"):
        compare(paths)
    scores = {"accuracy": 0.5}
    warm = [
        make(tmp_path / "e", arm, 0, 0.4, evaluation=scores, eval={"temperature": heat})
        for arm, heat in (("none", 1.0), ("hicra", 0.6))
    ]
    with pytest.raises(DataError, match=r"eval\.temperature differs"):
        compare(warm)
    assert compare(warm, metric="hicra/accuracy")["metric"] == "hicra/accuracy"


def test_bad_runs(tmp_path):
    paths = pairs(tmp_path, seeds=[0, 1])
    with pytest.raises(DataError, match=r"hicra-0: arm 'hicra', seed 0 was given before, .*hicra-0"):
        compare([*paths, paths[2]])
    with pytest.raises(DataError, match=r"no metric 'hicra/acuracy'\n.*'hicra/accuracy'"):
        compare(paths, metric="hicra/acuracy")
    with pytest.raises(DataError, match="no value of hicra/semantic_entropy at step 4"):
        compare(paths, metric="hicra/semantic_entropy")
    with pytest.raises(ConfigError, match="not readable"):
        compare(paths, metric="best:hicra/accuracy")
    with pytest.raises(ArtifactError, match="holds no"):
        compare([tmp_path / "none-0" / "rollouts"] if (tmp_path / "none-0" / "rollouts").mkdir() is None else [])
    table = tmp_path / "t.csv"
    table.write_text("arm,seed,value\na,0,1\n")
    with pytest.raises(DataError, match="not both"):
        compare([table, paths[0]])
    short = make(tmp_path, "hicra", 2, 0.5, steps=3)
    with pytest.raises(DataError, match=r"hicra-2 has 3 steps, .* has 4\n.*at3:hicra/accuracy"):
        compare([*paths, short])
    assert compare([*paths, short], metric="at3:hicra/accuracy")["warnings"] == [
        "hicra-2 has 3 of its 4 steps",
        "arm 'none' lacks seed 2 of 'hicra': left out of this pair",
    ]
    (paths[0] / "metrics.jsonl").write_text('{"step": 1, "hicra/accuracy": 1}\n{"step": 3, "hicra/accuracy": 1}\n')
    with pytest.raises(ArtifactError, match="step 3 where step 2 belongs"):
        compare(paths)
    (paths[0] / "metrics.jsonl").write_text('{"step": 1, "hicra/accuracy": NaN}\n')
    with pytest.raises(DataError, match="step 1: hicra/accuracy is nan"):
        compare(paths, metric="at1:hicra/accuracy")
    manifest = json.loads((paths[1] / "hicra.json").read_text())
    for key, value, said in (("inputs", ["x"], "inputs is no object"), ("seed", "1", "no integer")):
        (paths[1] / "hicra.json").write_text(json.dumps(manifest | {key: value}))
        with pytest.raises(ArtifactError, match=said):
            compare(paths[1:])
    (paths[0] / "evaluation.json").write_text("{")
    with pytest.raises(ArtifactError, match=r"evaluation\.json is not readable"):
        compare(paths)


def test_a_metric_without_a_direction_and_versions_that_differ(tmp_path):
    paths = pairs(tmp_path, seeds=[0])
    assert any("neither more nor less" in said for said in compare(paths, metric="hicra/length")["warnings"])
    manifest = json.loads((paths[0] / "hicra.json").read_text())
    manifest["versions"]["trl"] = "1.17"
    (paths[0] / "hicra.json").write_text(json.dumps(manifest))
    assert any("different versions of trl: 1.17, absent" in said for said in compare(paths)["warnings"])


def test_text_and_plot(tmp_path):
    paths = pairs(tmp_path, seeds=range(8)) + [make(tmp_path, "placebo", seed, 0.45) for seed in range(5)]
    found = compare(paths)
    text = render(found)
    for said in (
        "hicra/accuracy",
        "last step (4)",
        "none (baseline)",
        "better",
        "inconclusive",
        "smallest gap seen 80 % of the time",
        "0.41",
    ):
        assert said in text
    assert "[unbounded]" in render(compare([paths[0], paths[8]]))
    svg = save_plot(found, tmp_path / "plot.svg").read_text()
    root = ET.fromstring(svg)
    circles = root.findall(".//{http://www.w3.org/2000/svg}circle")
    assert len(circles) == 8 + 2 * 8 + 2 * 5
    assert "prefers-color-scheme:dark" in svg
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")
    assert svg == save_plot(found, tmp_path / "again.svg").read_text()


def test_hostile_names_stay_text(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text('arm,seed,value\n"<script>&]]>\u0000\x1b[31m",0,1\nnone,0,2\n'.replace("\u0000", ""))
    svg = save_plot(compare([table], "none"), tmp_path / "p.svg").read_text()
    ET.fromstring(svg)
    assert "<script" not in svg


def observed(path, values, seed=0):
    """A diagnosed run, with the steps of its data."""
    run = RunFolder.create(path, method=path.name, seed=seed, config={"lexicon": "paper"})
    for step, value in values.items():
        run.log(step, {"hicra/accuracy": value})
    return run.path


def test_diagnosed_runs_have_the_steps_of_their_data(tmp_path):
    early, late = {100: 0.1, 300: 0.2, 400: 0.4}, {100: 0.2, 300: 0.3, 400: 0.6}
    paths = [observed(tmp_path / "none", early), observed(tmp_path / "other", late)]
    found = compare(paths)
    assert "last step (400)" in found["checkpoint_rule"]
    assert found["comparisons"][0]["difference"] == pytest.approx(0.2)
    assert compare(paths, metric="at300:hicra/accuracy")["comparisons"][0]["difference"] == pytest.approx(0.1)
    third = observed(tmp_path / "third", {100: 0.1, 200: 0.2, 400: 0.3})
    with pytest.raises(DataError, match="none has step 300 where .*third has step 200"):
        compare([*paths, third])
    with pytest.raises(DataError, match="third has no step 300"):
        compare([*paths, third], metric="at300:hicra/accuracy")
    falling = observed(tmp_path / "falling", {100: 0.1, 90: 0.2})
    with pytest.raises(ArtifactError, match="has step 90 where a step after 100 belongs"):
        compare([*paths, falling])


def test_steps_at_the_end_without_a_value_are_left_out_and_said(tmp_path):
    paths = pairs(tmp_path, steps=3)
    for path in paths:
        RunFolder.open(path).log(4, {"hicra/accuracy": None})
    found = compare(paths)
    assert "last step (3)" in found["checkpoint_rule"]
    assert "the last step (4) has no value of hicra/accuracy: compared at step 3" in found["warnings"]
    shorter = make(tmp_path, "hicra", 6, 0.5, steps=2)
    for step in (3, 4):
        RunFolder.open(shorter).log(step, {"hicra/accuracy": None})
    with pytest.raises(DataError, match=r"at step 2 in .*hicra-6, and at step 4") as error:
        compare([*paths, shorter, make(tmp_path, "none", 6, 0.4)])
    assert "at2:hicra/accuracy" in error.value.fix


def test_two_runs_of_one_arm_and_seed_are_named(tmp_path):
    paths = [
        make(tmp_path, "none", 0, 0.1),
        make(tmp_path, "hicra", 0, 0.1),
        make(tmp_path, "none", 0, 0.2, name="again"),
    ]
    with pytest.raises(DataError, match=r"again: arm 'none', seed 0 was given before, .*none-0") as caught:
        compare(paths, "none")
    assert "leave one of them out" in caught.value.fix


# ---- arms that differ in another part than the method
def arms_of(tmp_path, *configs):
    from hicra.runs.arms import name_arms

    runs = [
        RunFolder.open(make(tmp_path, "hicra", 0, 0.5, name=str(at), **config)) for at, config in enumerate(configs)
    ]
    return name_arms(runs)


def test_arms_that_differ_in_loss_baseline_or_further_shapers_are_told_apart(tmp_path):
    plain = {"baseline": {"name": "dr_grpo"}, "loss": {"name": "clip", "settings": {}}}
    assert arms_of(tmp_path / "a", plain, plain | {"loss": {"name": "clip", "settings": {"mean": "responses"}}}) == [
        "hicra(loss=clip)", "hicra(loss=clip(mean=responses))",
    ]  # fmt: skip
    assert arms_of(tmp_path / "b", plain, plain | {"baseline": {"name": "rloo"}}) == [
        "hicra(baseline=dr_grpo)", "hicra(baseline=rloo)",
    ]  # fmt: skip
    then = {"then": [{"name": "forking_tokens", "settings": {"rho": 0.3}}]}
    assert arms_of(tmp_path / "c", plain, plain | then) == ["hicra(then=absent)", "hicra(then=forking_tokens(rho=0.3))"]


def test_a_default_of_a_loss_that_is_written_out_and_a_preset_make_no_arm(tmp_path):
    plain = {"loss": {"name": "clip", "settings": {}}, "preset": None}
    same = {"loss": {"name": "clip", "settings": {"clip_low": 0.2}}, "preset": "dapo"}
    assert arms_of(tmp_path, plain, same) == ["hicra", "hicra"]


@pytest.mark.parametrize(("loss", "apart"), [("clip", False), ("kl_cov", True)])
def test_the_size_of_a_part_makes_an_arm_where_the_loss_depends_on_it(tmp_path, loss, apart):
    train = {"seed": 0, "steps": 4, "learning_rate": 0.1, "threads": 1}
    one, two = ({"loss": {"name": loss}, "train": train | {"micro_batch": size}} for size in (4, 16))
    names = arms_of(tmp_path, one, two)
    assert names == (["hicra(train.micro_batch=4)", "hicra(train.micro_batch=16)"] if apart else ["hicra", "hicra"])


@pytest.mark.parametrize(("method", "apart"), [("hicra", False), ("hicra_adaptive", True), ("mine:shape", True)])
def test_how_often_the_signal_is_measured_makes_an_arm_where_a_method_may_read_it(tmp_path, method, apart):
    from hicra.runs.arms import name_arms

    train = {"seed": 0, "steps": 4, "learning_rate": 0.1, "threads": 1}
    runs = [
        RunFolder.open(make(tmp_path, method, 0, 0.5, name=str(every), train=train | {"signal_every": every}))
        for every in (0, 1, 5)
    ]
    each, other = (f"{method}(train.signal_every={every})" for every in ("absent", 5))
    assert name_arms(runs) == ([each, each, other] if apart else [method] * 3)


def test_code_of_ones_own_that_differs_makes_another_arm_and_is_not_refused(tmp_path):
    whole = RunConfig().model_dump(mode="json", exclude={"method", "task"})
    paths = [
        make(tmp_path, "mine:shape", 0, 0.4 + at, name=str(at), inputs={"method": code * 64}, **whole)
        for at, code in enumerate("ab")
    ]
    paths.append(make(tmp_path, "hicra", 0, 0.5, **whole))
    found = compare(paths, "hicra")
    assert sorted(arm["arm"] for arm in found["arms"]) == [
        "hicra", "mine:shape(code=aaaaaaaa)", "mine:shape(code=bbbbbbbb)",
    ]  # fmt: skip
    assert not any("differ" in warning for warning in found["warnings"])


def test_code_of_an_own_baseline_or_loss_stands_with_it(tmp_path):
    whole = RunConfig().model_dump(mode="json", exclude={"method", "task"})
    own, usual = whole | {"baseline": {"name": "mine:rest"}}, whole | {"baseline": {"name": "rloo"}}
    assert arms_of(tmp_path / "a", usual, own | {"inputs": {"baseline": "c" * 64}}) == [
        "hicra(baseline=rloo)", "hicra(baseline=mine:rest(code=cccccccc))",
    ]  # fmt: skip
    same = whole | {"loss": {"name": "mine:loss"}, "inputs": {"loss": "e" * 64}}
    assert arms_of(tmp_path / "b", same, same) == ["hicra", "hicra"]
