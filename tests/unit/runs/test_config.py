"""The config: strict, with the nearest right key, and the same whatever way a value came in."""

import pytest

from hicra.credit import PRESETS
from hicra.errors import ConfigError
from hicra.runs.config import load_config, with_defaults
from hicra.runs.sections import RunConfig
from hicra.strict import fields_of
from paths import ROOT


def write(tmp_path, text):
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_are_the_recipe():
    config, notes = load_config(None)
    assert config == RunConfig()
    assert notes == []
    assert (config.baseline.name, config.method.name, config.loss.name) == ("dr_grpo", "hicra", "clip")
    assert config.assignment().loss.settings == {
        "clip_low": 0.2,
        "clip_high": 0.28,
        "mean": "tokens",
        "most_tokens": None,
    }


def test_file_then_set_then_method(tmp_path):
    path = write(tmp_path, "train: {steps: 7, learning_rate: 1e-5}\nmethod: {name: hicra, settings: {alpha: 0.3}}\n")
    config, notes = load_config(path, ["train.steps=9", "lexicon=paper-n3"], "placebo", seed=4)
    assert (config.train.steps, config.train.learning_rate, config.train.seed) == (9, 1e-5, 4)
    assert (config.method.name, config.method.settings, config.lexicon) == ("placebo", {"alpha": 0.3}, "paper-n3")
    assert notes == []
    for sets, method in (([], "none"), (["method.name=none"], None), (["method.name=placebo"], "none")):
        config, notes = load_config(path, sets, method)
        assert (config.method.name, config.method.settings) == ("none", {})
        assert notes == ["method none: alpha of hicra is left out, since it is no setting of it"]


def test_a_setting_goes_along_only_where_it_means_the_same(tmp_path):
    path = write(tmp_path, "method: {name: hicra, settings: {alpha: 0.3}}\n")
    config, notes = load_config(path, method="entropy_advantage")
    assert config.method.settings == {}  # its alpha weighs entropies, and is 0.4 by default
    said = "method entropy_advantage: alpha of hicra is left out, since it means another thing here, where it is"
    assert notes == [f"{said} 0.4"]
    config, notes = load_config(path, ["method.settings.alpha=0.5"], "entropy_advantage")
    assert config.method.settings == {"alpha": 0.5}
    assert notes == [f"{said} 0.5"]


def test_a_setting_of_the_command_line_is_never_left_out(tmp_path):
    path = write(tmp_path, "method: {name: hicra, settings: {alpha: 0.3}}\n")
    with pytest.raises(ConfigError, match="method.settings.kapa: entropy_advantage has no setting 'kapa'"):
        load_config(path, ["method.settings.kapa=3"], "entropy_advantage")


def test_shapers_may_be_named_alone():
    config, _ = load_config(None, ["method.then=[position_shaping, {name: placebo, settings: {seed: 3}}]"])
    assert [one.name for one in config.method.then] == ["position_shaping", "placebo"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("train: {stepz: 3}", ["train.stepz", "did you mean 'steps'", "config.yaml"]),
        ("trian: {steps: 3}", ["'trian'", "did you mean 'train'"]),
        ("method: {name: hicr}", ["no method 'hicr'", "did you mean 'hicra'"]),
        ("method: {name: hicra, settings: {alfa: 0.1}}", ["method.settings.alfa", "did you mean 'alpha'"]),
        ("method: {name: hicra, settings: {alpha: 1.0}}", ["alpha is 1.0", "[0, 1)"]),
        ("method: {name: hicra, then: [{name: placeb}]}", ["method.then[0].name: no method 'placeb'", "'placebo'"]),
        ("method: {then: [{name: placebo, setings: {}}]}", ["'method.then.0.setings'", "did you mean 'settings'"]),
        ("method: {then: [{settings: {}}]}", ["method.then.0.name is missing", "the keys there are name, settings"]),
        ("baseline: {name: gropo}", ["baseline.name: no baseline 'gropo'", "did you mean 'grpo'"]),
        ("loss: {name: clop}", ["loss.name: no loss 'clop'", "did you mean 'clip'"]),
        ("loss: {settings: {clip_lo: 0.1}}", ["loss.settings.clip_lo", "did you mean 'clip_low'"]),
        ("loss: {settings: {mean: token}}", ["loss.settings.mean", "'tokens'"]),
        ("preset: dapoo", ["preset: no preset 'dapoo'", "did you mean 'dapo'"]),
        ("train: {clip_low: 0.1}", ["'train.clip_low'", "loss.settings.clip_low", "config.yaml"]),
        ("train: {scale: std}", ["'train.scale'", "baseline.name"]),
        ("train: {steps: 0}", ["train.steps", "greater than or equal to 1"]),
        ("train: {group_size: 1}", ["train.group_size"]),
        ("train: {steps: many}", ["train.steps", "'many'"]),
        ("train: {iterations: 2, save_steps: 3}", ["no multiple", "give 2 or 4"]),
        ("train: {iterations: 4, save_steps: 3}", ["inside a generation; give 4 in"]),
        ("train: {micro_batch: 7}", ["does not divide"]),
        ("train: {skip_without_gradient: true, kl: 0.1}", ["train.skip_without_gradient", "train.kl"]),
        (
            "train: {skip_without_gradient: true}\nloss: {name: entropy_regularised}",
            ["train.skip_without_gradient", "entropy_regularised"],
        ),
        (
            "method: {name: hicra_bonus}\nreward: {overlong_cache: 10}",
            ["hicra_bonus needs rewards of 0 and 1", "overlong_cache"],
        ),
        ("baseline: {name: maxrl}\nreward: {tool_bonus: code}", ["maxrl needs rewards of 0 and 1", "tool_bonus"]),
        ("train: {steps: 1}\ntrain: {steps: 2}", ["'train' stands twice"]),
        ("a: &x [1]\nb: *x", ["aliases"]),
        ("- 1", ["not a mapping"]),
        ("train: [", ["not readable YAML"]),
        ("!!python/object/apply:os.system [ls]", ["not readable YAML"]),
    ],
)
def test_bad_files_name_the_key(tmp_path, text, words):
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, text))
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("override", ["train.steps", "=3", "train.steps.more=1", "train.steps=[", "train.stepz=1"])
def test_bad_overrides_name_themselves(override):
    with pytest.raises(ConfigError) as caught:
        load_config(None, ["train.steps=5", override])
    assert override.split("=")[0] in str(caught.value)


def test_missing_file(tmp_path):
    with pytest.raises(ConfigError, match="no config file"):
        load_config(tmp_path / "none.yaml")


# ---- whose mistake it is
@pytest.mark.parametrize(
    ("sets", "seed", "where"),
    [
        (["train.stesp=3"], None, "in --set train.stesp=3"),
        (["train.steps=3", "train.kl=-1", "train.seed=4"], None, "in --set train.kl=-1"),
        (["train.iterations=2"], None, "in --set train.iterations=2"),  # save_steps 5 of the file was fine until then
        (["train.steps=3"], -1, "in --seed -1"),
    ],
)
def test_a_mistake_in_an_override_is_blamed_on_the_override(tmp_path, sets, seed, where):
    path = write(tmp_path, "train: {steps: 7, save_steps: 5}\n")
    with pytest.raises(ConfigError) as caught:
        load_config(path, sets, seed=seed)
    assert caught.value.message.endswith(where)
    assert str(path) not in str(caught.value)


def test_a_mistake_in_the_file_is_blamed_on_the_file_and_may_be_set_right(tmp_path):
    path = write(tmp_path, "train: {steps: 0}\n")
    with pytest.raises(ConfigError, match=f"in {path}") as caught:
        load_config(path, ["train.save_steps=5"])
    assert "--set" not in caught.value.message
    assert "--keys" in caught.value.fix
    assert load_config(path, ["train.steps=5"])[0].train.steps == 5


# ---- numbers
@pytest.mark.parametrize("value", [".inf", "-.inf", ".nan"])
@pytest.mark.parametrize("key", [key for key, field in fields_of(RunConfig) if field.annotation is float])
def test_numbers_that_are_not_finite_are_refused_by_name(key, value):
    with pytest.raises(ConfigError, match=rf"{key} is -?(inf|nan), it must be a finite number in --set {key}="):
        load_config(None, [f"{key}={value}"])


def test_settings_of_a_method_are_finite_too():
    with pytest.raises(ConfigError, match="kappa is inf, it must be a finite number"):
        load_config(None, ["method.name=entropy_advantage", "method.settings.kappa=.inf"])


# ---- paths
def test_paths_of_a_file_start_from_its_folder_and_those_of_set_from_the_working_folder(tmp_path, monkeypatch):
    there, here = tmp_path / "there", tmp_path / "here"
    for folder in (there, here):
        (folder / "data").mkdir(parents=True)
        for name in ("grams.txt", "data/a.jsonl", "data/b.jsonl"):
            (folder / name).write_text("x")
    path = write(
        there,
        "lexicon: grams.txt\nmodel: {name: data}\n"
        "task: {name: math, settings: {train_file: [data/a.jsonl, data/b.jsonl], eval_file: data/a.jsonl, prompt: data}}\n",
    )
    monkeypatch.chdir(here)
    config, _ = load_config(path)
    assert config.lexicon == str(there / "grams.txt")
    assert config.model.name == str(there / "data")
    assert config.task.settings == {
        "train_file": [str(there / "data/a.jsonl"), str(there / "data/b.jsonl")],
        "eval_file": str(there / "data/a.jsonl"), "prompt": "data",
    }  # fmt: skip
    config, _ = load_config(path, ["lexicon=grams.txt", "task.settings={eval_file: data/b.jsonl}"])
    assert config.lexicon == str(here / "grams.txt")
    assert config.task.settings == {"eval_file": str(here / "data/b.jsonl")}
    # a recorded config is taken as it is
    assert load_config(None, base=config.model_dump())[0] == config


def test_names_stay_names_and_what_is_nowhere_stays_for_whoever_opens_it(tmp_path, monkeypatch):
    (tmp_path / "paper").mkdir()
    path = write(tmp_path, "lexicon: paper\nmodel: {name: nowhere}\ntask: {settings: {eval_file: 'hub:'}}\n")
    monkeypatch.chdir(tmp_path)
    config, _ = load_config(path, names={"lexicon": ["paper"]})
    assert (config.lexicon, config.model.name, config.task.settings) == ("paper", "nowhere", {"eval_file": "hub:"})
    config, _ = load_config(write(tmp_path, "lexicon: ./paper\n"), names={"lexicon": ["paper"]})
    assert config.lexicon == str(tmp_path / "paper")


def test_a_path_that_is_only_in_the_working_folder_is_told_where_it_must_start(tmp_path, monkeypatch):
    (tmp_path / "recipes").mkdir()
    (tmp_path / "grams.txt").write_text("x")
    path = write(tmp_path / "recipes", "lexicon: grams.txt\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=rf"lexicon: {path} names grams.txt, which is not in {path.parent}") as caught:
        load_config(path)
    assert "write ../grams.txt" in caught.value.fix


def test_the_recipes_find_their_files_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config, _ = load_config(ROOT / "recipes" / "plan-execute" / "config.yaml")
    assert config.lexicon == str(ROOT / "recipes" / "plan-execute" / "phrases.txt")


# ---- presets
def test_a_preset_fills_in_what_the_config_does_not_say(tmp_path):
    config, _ = load_config(write(tmp_path, "preset: grpo_2024\ntrain: {steps: 3}\n"))
    assert (config.baseline.name, config.method.name, config.train.kl, config.train.steps) == ("grpo", "none", 0.04, 3)
    assert config.loss.settings == {"clip_low": 0.2, "clip_high": 0.2, "mean": "responses"}
    said, _ = load_config(write(tmp_path, "preset: grpo_2024\nloss: {settings: {clip_high: 0.3}}\ntrain: {kl: 0.0}\n"))
    assert said.loss.settings == {"clip_low": 0.2, "clip_high": 0.3, "mean": "responses"}
    assert said.train.kl == 0
    assert load_config(None, ["preset=grpo_2024"])[0].baseline.name == "grpo"


def test_a_preset_of_the_command_line_goes_before_the_file(tmp_path):
    path = write(
        tmp_path,
        "method: {name: hicra, settings: {alpha: 0.3}}\nloss: {settings: {clip_low: 0.1}}\ntrain: {kl: 0.5, steps: 3}\n",
    )
    config, _ = load_config(path, ["train.kl=0.2", "preset=grpo_2024"])
    assert (config.method.name, config.method.settings, config.baseline.name) == ("none", {}, "grpo")
    assert config.loss.settings == {"clip_low": 0.2, "clip_high": 0.2, "mean": "responses"}
    assert (config.train.kl, config.train.steps) == (0.2, 3)
    assert load_config(path, ["preset=grpo_2024"], "hicra")[0].method.name == "hicra"


def test_the_method_of_the_command_line_goes_before_that_of_a_preset(tmp_path):
    path = write(tmp_path, "preset: dapo\n")
    for name in ("hicra", "placebo", "none"):
        assert load_config(path, method=name)[0].method.name == name
        assert load_config(path, [f"method.name={name}"])[0].method.name == name
    assert load_config(path)[0].method.name == "none"


def test_settings_of_a_preset_stay_with_its_own_entry(tmp_path):
    config, _ = load_config(write(tmp_path, "preset: hicra_paper\nmethod: {name: forking_tokens}\n"))
    assert (config.method.name, config.method.settings) == ("forking_tokens", {})


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_config(name):
    config, _ = load_config(None, [f"preset={name}"])
    assert config.preset == name
    assert load_config(None, base=config.model_dump(mode="json"))[0] == config  # a resume reads what was recorded


def test_a_recorded_config_never_runs_the_code_that_it_names(tmp_path, monkeypatch):
    (tmp_path / "trap_of_a_test.py").write_text("raise SystemExit('run')\n")
    monkeypatch.chdir(tmp_path)
    for part in (
        {"loss": {"name": "trap_of_a_test:f"}},
        {"method": {"name": "none", "then": [{"name": "trap_of_a_test:f"}]}},
    ):
        assert with_defaults(part) == part
