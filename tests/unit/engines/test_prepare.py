"""What a run needs is found and checked before anything is written."""

import hashlib
from types import SimpleNamespace

import pytest

from hicra.engines.open import open_engine
from hicra.engines.prepare import _refuse_messages, open_run, prepare, refuse_run
from hicra.errors import ArtifactError, ConfigError
from hicra.generation.folder import weights_hash
from hicra.runs import RunFolder
from hicra.runs.config import load_config, with_defaults
from hicra.runs.difference import difference
from hicra.runs.sections import RunConfig


def test_an_unknown_engine_is_named():
    with pytest.raises(ConfigError, match="no engine 'trll'") as error:
        open_engine("trll")
    assert "did you mean 'trl'" in error.value.fix


def test_a_config_of_before_a_key_equals_one_with_its_default():
    today = RunConfig().resolved().model_dump(mode="json")
    before = {key: value for key, value in today.items() if key != "engine"}
    assert difference(with_defaults(before), today) == []
    assert difference(with_defaults(before | {"lexicon": "planning"}), today) == [("lexicon", "planning", "paper")]


def test_a_config_that_is_none_of_ours_stays_as_it_is():
    assert with_defaults({"optimizer": "sgd"}) == {"optimizer": "sgd"}


def test_a_run_that_is_there_says_how_far_it_has_come(tmp_path):
    out = tmp_path / "run"
    refuse_run(out)
    run = RunFolder.create(out, method="none", seed=0, config={"train": {"steps": 8}})
    for step in range(1, 5):
        run.log(step, {})
    with pytest.raises(ArtifactError, match="is not finished") as error:
        refuse_run(out)
    assert "add --resume to go on (step 4 of 8), replace it by --overwrite" in error.value.fix
    for step in range(5, 9):
        run.log(step, {})
    with pytest.raises(ArtifactError, match="is not finished"):  # its last evaluation and weights are missing
        refuse_run(out)
    (out / "final").mkdir()
    with pytest.raises(ArtifactError, match="its run has ended") as error:
        refuse_run(out)
    assert "--resume" not in error.value.fix


def test_a_run_is_not_resumed_with_other_code_of_ones_own(tmp_path):
    prepared = SimpleNamespace(config=RunConfig().resolved(), inputs={"lexicon": "a" * 64, "loss": "b" * 64})
    run, _ = open_run(prepared, tmp_path / "run", False, pytest.fail)
    again, _ = open_run(prepared, run.path, True, lambda text: None)
    assert again.manifest["inputs"]["loss"] == "b" * 64
    prepared.inputs = prepared.inputs | {"loss": "c" * 64}
    with pytest.raises(ArtifactError, match="was made with another loss, whose file has changed since") as error:
        open_run(prepared, run.path, True, pytest.fail)
    assert error.value.fix == "restore that file, or choose another -o"


class Asking:
    """A task whose prompts are of one kind."""

    name = "asking"

    def __init__(self, prompt):
        self.prompt = prompt

    def rows(self, split, n=None, seed=0):
        return [{"id": "1", "prompt": self.prompt}]


def test_a_model_without_a_chat_template_is_refused_for_prompts_that_need_one(tmp_path):
    messages, config = [{"role": "user", "content": "1 + 1"}], RunConfig()
    _refuse_messages(config, Asking("1 + 1"), tmp_path)
    with pytest.raises(
        ConfigError, match="asking are messages, and the model plan-execute-strong has no chat template"
    ) as error:
        _refuse_messages(config, Asking(messages), tmp_path)
    assert "task.settings.chat=false" in error.value.fix
    for name, text in (("chat_template.jinja", "{{ x }}"), ("tokenizer_config.json", '{"chat_template": "{{ x }}"}')):
        (tmp_path / name).write_text(text)
        _refuse_messages(config, Asking(messages), tmp_path)
        (tmp_path / name).write_text("")
        with pytest.raises(ConfigError, match="no chat template"):
            _refuse_messages(config, Asking(messages), tmp_path)


@pytest.mark.slow
def test_parts_of_a_reward_that_do_not_fit_are_refused_before_anything_is_written():
    pytest.importorskip("trl")
    for sets, message in (
        (("reward.tool_bonus=code",), "plan_execute has no tools"),
        (("reward.overlong_cache=58",), "the longest response has 57"),  # the task's own bound, below max_new_tokens
        (("task.name=calculator", "model.name=calculator-start", "reward.overlong_cache=49"), "has 48"),
    ):
        config, _ = load_config(None, sets)
        with pytest.raises(ConfigError, match=message):
            prepare(config, lambda text: None)
    config, _ = load_config(None, ("task.name=calculator", "model.name=calculator-start", "reward.tool_bonus=paper"))
    assert prepare(config, lambda text: None).config.train.max_new_tokens == 48


@pytest.mark.slow
def test_the_file_of_a_method_of_ones_own_is_among_the_inputs(tmp_path, monkeypatch):
    pytest.importorskip("trl")
    code = "def shape(advantages, batch):\n    return advantages\n"
    (tmp_path / "own_code_of_prepare.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    config, _ = load_config(None, ("method.name=own_code_of_prepare:shape",))
    assert prepare(config, lambda text: None).inputs["method"] == hashlib.sha256(code.encode()).hexdigest()


def test_weights_in_parts_are_one_input(tmp_path):
    """As transformers saves a model past some gigabytes; the name of a part counts, since two may change places."""
    with pytest.raises(ConfigError, match="holds no .safetensors file"):
        weights_hash(tmp_path)
    parts = [tmp_path / f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    for part, data in zip(parts, (b"one", b"two"), strict=True):
        part.write_bytes(data)
    both = weights_hash(tmp_path)
    parts[0].write_bytes(b"two")
    parts[1].write_bytes(b"one")
    assert weights_hash(tmp_path) != both
    (tmp_path / "model.safetensors").write_bytes(b"whole")
    assert weights_hash(tmp_path) == hashlib.sha256(b"whole").hexdigest()
