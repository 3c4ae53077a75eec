"""The whole measurement on the embedded task: resumed as straight, exact kinds, and what is refused before or after one batch."""

import json
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from hicra.credit import METHODS  # noqa: E402
from hicra.engines.shaping import GIVEN  # noqa: E402
from hicra.errors import ArtifactError, ConfigError, DataError  # noqa: E402
from hicra.generation import models  # noqa: E402
from hicra.lexicon import Lexicon  # noqa: E402
from hicra.runs.lock import one_writer  # noqa: E402
from hicra.signal import measure as module  # noqa: E402
from hicra.signal import measurement  # noqa: E402
from hicra.signal.batch import _prompt_ids as prompt_ids  # noqa: E402
from hicra.signal.labels import label_kinds  # noqa: E402
from hicra.signal.measure import measure, measure_model  # noqa: E402
from hicra.signal.methods import FIELDS, read_baseline, read_methods  # noqa: E402
from hicra.signal.parts import MeasuredBatch  # noqa: E402
from hicra.signal.result import said, text_of  # noqa: E402
from hicra.signal.room import check_room, free_bytes  # noqa: E402
from hicra.signal.settings import SignalSettings  # noqa: E402
from hicra.signal.source import find_lexicon, find_task  # noqa: E402
from hicra.signal.store import SignalStore  # noqa: E402
from hicra.signal.weights import load_model  # noqa: E402
from hicra.tasks.base import make_task  # noqa: E402

STRONG = "plan-execute-strong"
SMALL = {"batches": 3, "prompts": 6, "group": 6, "methods": ("hicra", "hicra@alpha=0.8", "entropy_advantage")}


@pytest.fixture(scope="module")
def task():
    return make_task("plan_execute")


@pytest.fixture(scope="module")
def lexicon(task):
    return Lexicon.from_phrases(task.phrases)


@pytest.fixture(scope="module")
def loaded():
    return load_model(models.resolve(STRONG), SignalSettings())


@pytest.fixture(scope="module")
def result(loaded, task, lexicon):
    return measure_model(*loaded, task, lexicon, SignalSettings(**SMALL))


def test_the_result_holds_kinds_methods_and_counts(result):
    assert list(result["kinds"])[:2] == ["planning", "execution"]
    assert {"label:plan", "label:reflect", "label:execute", "label:format"} <= set(result["kinds"])
    assert list(result["methods"]) == ["none", "hicra", "hicra@alpha=0.8", "entropy_advantage"]
    assert result["methods"]["none"]["difference"] == 0
    assert (result["batches"], result["rollouts"]) == (3, 108)
    assert result["components"] == pytest.approx([8, 8, 8], abs=3)
    tokens = result["tokens"]
    assert tokens["planning"] + tokens["execution"] == result["all_tokens"]
    # the phrases mark whole plans and reflections, the labels single words of them
    assert tokens["planning"] <= tokens["label:plan"] + tokens["label:reflect"]
    assert 0 < result["accuracy"] < 0.6
    assert 0 < result["mixed_groups"] <= result["groups"] == 18
    assert result["parameters"] == result["numbers"] == 344_352
    json.dumps(result, allow_nan=False)


def test_the_model_is_left_as_it_was(loaded, result):
    model, _ = loaded
    assert all(one.requires_grad and one.grad is None for one in model.parameters())
    assert not model.training


@pytest.mark.slow
def test_a_stopped_measurement_goes_on_to_the_same_bytes(tmp_path, task, lexicon, monkeypatch):
    settings = SignalSettings(**SMALL | {"project": 512})
    given = {"model": STRONG, "task": task, "lexicon": lexicon}
    straight = measure(settings, out=tmp_path / "straight", **given)
    made = measurement.BatchMeasurer._part

    def stopped(run, number, say):
        if number == 2:
            raise KeyboardInterrupt
        return made(run, number, say)

    lines = []
    monkeypatch.setattr(measurement.BatchMeasurer, "_part", stopped)
    with pytest.raises(KeyboardInterrupt):
        measure(settings, out=tmp_path / "out", say=lines.append, **given)
    assert "2 of 3 batches are kept" in lines[-1]
    assert lines[-1].endswith("resume=True")
    monkeypatch.setattr(measurement.BatchMeasurer, "_part", made)
    resumed = measure(settings, out=tmp_path / "out", resume=True, **given)
    for name in ("signal.json", "products.npz"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "straight" / name).read_bytes()
    assert resumed["kinds"] == straight["kinds"]
    assert resumed["numbers"] == 512
    monkeypatch.setattr(module, "load_model", None)  # a complete measurement loads no model
    again = measure(settings, out=tmp_path / "out", resume=True, say=lines.append, **given)
    assert "already holds" in lines[-1]
    assert again["kinds"] == straight["kinds"]
    assert set(again) == set(straight)
    assert again["text"].splitlines()[1:] == straight["text"].splitlines()[1:]


@pytest.mark.slow
def test_batches_do_not_depend_on_their_number_or_on_micro_batches(loaded, task, lexicon, result):
    settings = SignalSettings(**SMALL | {"batches": 4, "micro": 5, "methods": ("hicra",)})
    parts = measurement.BatchMeasurer(*loaded, task, _tagger(lexicon, loaded), settings, list(loaded[0].parameters()))
    one = parts._part(2, lambda text: None)
    other = measurement.BatchMeasurer(
        *loaded,
        task,
        _tagger(lexicon, loaded),
        settings.model_copy(update={"batches": 3, "micro": 0}),
        parts.parameters,
    )._part(2, lambda text: None)
    assert one.about["tokens"] == other.about["tokens"]
    assert len(one.vectors) > 1
    assert np.abs(one.vectors - other.vectors).max() < 1e-6 * np.abs(one.vectors).max()


def tree(path):
    return {one.relative_to(path).as_posix(): one.read_bytes() for one in sorted(path.rglob("*")) if one.is_file()}


def test_a_folder_that_another_process_writes_is_left_as_it_is(tmp_path, task, lexicon, result):
    settings = SignalSettings(**SMALL)
    made = {"model": STRONG, "task": task, "lexicon": lexicon, "out": tmp_path / "out"}
    asked = {"settings": settings.recorded(), "model": {}, "inputs": {}}
    SignalStore.open(tmp_path / "out", asked, {}, resume=False).write_part(
        0, MeasuredBatch(np.ones((1, 2), np.float32), {"none": np.ones(1)}, {})
    )
    before = tree(tmp_path)
    for more in ({"seed": 1}, {"batches": 20}, {}):
        for how in ({}, {"resume": True}, {"overwrite": True}):
            with one_writer(tmp_path / "out"), pytest.raises(ArtifactError, match="is being written by process"):
                measure(settings.model_copy(update=more), **made, **how)
    assert tree(tmp_path) == before


def test_what_is_there_stays_until_its_successor_has_a_batch(tmp_path, task, lexicon, monkeypatch):
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine").write_text("x")
    given = {"model": STRONG, "task": task, "lexicon": lexicon, "out": out, "overwrite": True}
    lines = []

    def stopped(*given):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "load_model", stopped)
    with pytest.raises(KeyboardInterrupt):
        measure(SignalSettings(**SMALL), **given, say=lines.append)
    assert "nothing of this measurement is in" in lines[-1]
    monkeypatch.undo()
    with pytest.raises(ConfigError, match="no mixed group"):
        measure(SignalSettings(batches=3, prompts=1, group=2, seed=1), **given)
    assert tree(tmp_path) == {"out/mine": b"x"}


@pytest.mark.parametrize("part", ["methods", "baseline"])
def test_own_code_that_has_changed_is_refused(tmp_path, task, lexicon, monkeypatch, part):
    code = "import numpy as np\ndef f({}, batch):\n    return {} * 2.0\n"
    names = ("advantages",) * 2 if part == "methods" else ("rewards, group_ids", "rewards")
    (tmp_path / "own_that_changes.py").write_text(code.format(*names))
    monkeypatch.syspath_prepend(tmp_path)
    chosen = {"methods": ("own_that_changes:f",)} if part == "methods" else {"baseline": "own_that_changes:f"}
    settings = SignalSettings(**SMALL | chosen)
    given = {"model": STRONG, "task": task, "lexicon": lexicon, "out": tmp_path / "out"}
    monkeypatch.setattr(module, "load_model", lambda *given: (None, None))
    monkeypatch.setattr(module, "measure_model", lambda *given, store, **more: store.write_part(
        0, MeasuredBatch(np.ones((1, 2), np.float32), {"none": np.ones(1)}, {})) or {})  # fmt: skip
    monkeypatch.setattr(module, "text_of", lambda found: "")
    measure(settings, **given)
    measure(settings, resume=True, **given)
    before = tree(tmp_path / "out")
    (tmp_path / "own_that_changes.py").write_text(code.format(*names).replace("2.0", "-5.0"))
    with pytest.raises(ArtifactError, match="another '?(own_that_changes:f|.*baseline)'?, whose file has changed"):
        measure(settings, resume=True, **given)
    assert tree(tmp_path / "out") == before
    sys.modules.pop("own_that_changes", None)


@pytest.mark.parametrize("last", [0, 250, 499])
def test_every_problem_behind_a_setting_of_the_task_counts(tmp_path, last):
    file = tmp_path / "sums.jsonl"
    rows = [json.dumps({"question": f"{n} + 1?", "answer": str(n + 1)}) for n in range(500)]
    file.write_text("\n".join(rows) + "\n")
    given = ("math", "", {"train_file": str(file)})
    inputs = find_task(*given)[1]
    assert find_task(*given)[1] == inputs
    rows[last] = json.dumps({"question": f"{last} + 1?", "answer": "77777"})
    file.write_text("\n".join(rows) + "\n")
    assert find_task(*given)[1] != inputs


def test_a_method_with_the_name_of_a_kind_takes_nothing_from_it(loaded, task, lexicon, result, tmp_path, monkeypatch):
    (tmp_path / "label.py").write_text("def plan(advantages, batch):\n    return advantages * 3\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = measure_model(*loaded, task, lexicon, SignalSettings(**SMALL | {"methods": ("label:plan",)}))
    assert set(found["methods"]) == {"none", "label:plan"}
    # three times the unshaped step points where it points; the words of the label are none of it
    assert found["methods"]["label:plan"]["cosine"] == pytest.approx(found["methods"]["none"]["cosine"])
    assert found["kinds"]["label:plan"]["signal"] == pytest.approx(result["kinds"]["label:plan"]["signal"], rel=1e-3)
    assert not any("the gradient of label:plan is 0" in text for text in found["warnings"])
    sys.modules.pop("label", None)


class Letters:
    """A tokenizer of one token a letter, which counts what it is given; of 64 letters at a time where `wide`."""

    def __init__(self, wide=1):
        self.read, self.wide, self.chat_template = 0, wide, None

    def __call__(self, text, add_special_tokens):
        self.read += len(text)
        return {"input_ids": [1] * -(-len(text) // self.wide)}


def test_of_a_prompt_that_is_far_too_long_only_the_beginning_is_read(loaded):
    model, letters = loaded[0], Letters()  # its context is 96 tokens
    with pytest.raises(ConfigError, match="problem 7 has more than 1536 tokens.*context of 96") as refused:
        prompt_ids(model, letters, {"id": 7, "prompt": "a" * 3_000_000}, 8)
    assert letters.read == 16 * 96
    assert "max_question_chars" in refused.value.fix
    assert "--max-new-tokens" not in refused.value.fix
    with pytest.raises(ConfigError, match="has 90 tokens, and with 8 more") as refused:
        prompt_ids(model, Letters(), {"id": 7, "prompt": "a" * 90}, 8)
    assert "--max-new-tokens 6," in refused.value.fix
    # 5000 letters in tokens of 64 are 79, which fit
    assert len(prompt_ids(model, Letters(64), {"id": 7, "prompt": "a" * 5000}, 8)) == 79


def _tagger(lexicon, loaded):
    from hicra.tagging import Tagger

    return Tagger(lexicon, loaded[1])


def test_the_fields_are_those_of_the_engines_but_for_what_training_alone_has():
    assert {field for field in GIVEN if field != "kind_weights"} == set(FIELDS)


def test_a_method_that_follows_the_signal_of_a_run_is_refused_at_a_fixed_policy():
    with pytest.raises(ConfigError, match="'hicra_adaptive' follows the signal.*here the policy is fixed") as refused:
        read_methods(["hicra", "hicra_adaptive"])
    assert "hicra train --method hicra_adaptive" in refused.value.fix


def test_methods_are_read_with_their_settings():
    found = read_methods(["hicra@alpha=0.5", "placebo@alpha=0.1@seed=3", "none"])
    assert list(found) == ["none", "hicra@alpha=0.5", "placebo@alpha=0.1@seed=3"]
    assert found["placebo@alpha=0.1@seed=3"].settings["seed"] == 3
    assert list(read_methods(list(METHODS)[:5])) == list(METHODS)[:5]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["hicara"], "hicara"),
        (["hicra@alfa=1"], "alfa"),
        (["hicra@alpha"], "is no setting"),
        (["hicra@alpha=much"], "alpha"),
        (["hicra@alpha=1.5"], r"\[0, 1\)"),
        (["hicra", "hicra"], "named twice"),
    ],
)
def test_methods_that_are_wrong(names, said):
    with pytest.raises(ConfigError, match=said):
        read_methods(names)


def test_a_field_that_is_missing():
    lacking = [name for name, one in METHODS.items() if set(one.needs) - set(FIELDS)]
    for name in lacking:
        with pytest.raises(ConfigError, match=f"{name}.*(needs the batch field|policy is fixed)"):
            read_methods([name])
    with pytest.raises(ConfigError, match="baseline.*no_such"):
        read_baseline("no_such")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"batches": 2}, "no spread"),
        ({"group": 1}, "at least 2"),
        ({"device": "gpu"}, "device is 'gpu'"),
        ({"unit": "word"}, "unit is 'word'"),
        ({"parameters": "last:0"}, "last:K"),
    ],
)
def test_settings_that_are_wrong(values, said):
    with pytest.raises(Exception, match=said):
        SignalSettings(**values)


def test_what_is_refused_after_one_batch(loaded, task, lexicon):
    bad = Lexicon.from_phrases(["no such words"])
    with pytest.raises(ConfigError, match="of the kind planning") as refused:
        measure_model(*loaded, task, bad, SignalSettings(**SMALL))
    assert "--lexicon" in refused.value.fix
    with pytest.raises(ConfigError, match="no mixed group among 1") as refused:
        measure_model(*loaded, task, lexicon, SignalSettings(batches=3, prompts=1, group=2, seed=1))
    assert "rollouts are right" in refused.value.message
    assert "--group" in refused.value.fix or "larger groups" in refused.value.fix


def test_too_few_problems_tools_and_a_useless_projection(loaded, task, lexicon):
    with pytest.raises(ConfigError, match=r"500 prompts, .* has \d+ problems"):
        module.refuse_before(SignalSettings(prompts=500), make_task("arithmetic"))
    with pytest.raises(ConfigError, match="tools"):
        module.refuse_before(SignalSettings(prompts=4), make_task("calculator"))
    with pytest.raises(ConfigError, match="project is 344352, and a whole gradient has 344352"):
        measure_model(*loaded, task, lexicon, SignalSettings(**SMALL | {"project": 344_352}))


def test_memory_that_does_not_fit():
    # 8 batches of 4 gradients with a billion numbers take 8 * 4 * 1e9 * 4 bytes = 128 GB; of 16 GB free, .4 are 6.4 GB:
    # 6.4e9 / (8 * 4 * 4) = 5e7 numbers each, 2^25 = 33554432 is the largest power of two below
    with pytest.raises(ConfigError, match=r"take 128\.0 GB, and 16\.0 GB are free") as refused:
        check_room(8, 4, 10**9, False, 16 * 10**9)
    assert "--project 33554432" in refused.value.fix
    # where a batch may come to have 11 gradients, 6.4e9 / (8 * 11 * 4) = 1.8e7 numbers fit, and 2^24 = 16777216 is below
    with pytest.raises(ConfigError, match=r"8 batches of 4 whole") as refused:
        check_room(8, 4, 10**9, False, 16 * 10**9, most_rows=11)
    assert "--project 16777216" in refused.value.fix
    check_room(8, 4, 10**6, False, 16 * 10**9)
    check_room(8, 4, 10**12, False, None)
    assert free_bytes() is None or free_bytes() > 0


def test_memory_is_asked_for_before_anything_is_sampled(loaded, task, lexicon, monkeypatch):
    monkeypatch.setattr(measurement, "free_bytes", lambda: 1000)
    monkeypatch.setattr("hicra.signal.batch.make_batch", None)
    with pytest.raises(ConfigError, match="1000|0.0 MB are free"):
        measure_model(*loaded, task, lexicon, SignalSettings(**SMALL))


class Words:
    """A task that labels each word by its length."""

    name = "words"

    def labels(self, response, row, ended):
        return [str(len(word)) for word in response.split()]


def test_labels_go_to_the_tokens_of_their_words():
    # "ab c  def": tokens "a", "b c", "  ", "def", and an end token without text; "b c" begins inside the word "ab"
    live = np.array([[True, True, True, True, True, False]])
    found = label_kinds(Words(), [{}], [("ab c  def", [1, 4, 6, 9, 9, 9])], [True], live)
    assert {name: mask[0].astype(int).tolist() for name, mask in found.items()} == {
        "label:2": [1, 1, 0, 0, 0, 0], "label:3": [0, 0, 0, 1, 0, 0],
    }  # fmt: skip


def test_labels_must_fit_their_words():
    class Odd(Words):
        def labels(self, response, row, ended):
            return ["one"]

    with pytest.raises(DataError, match="1 labels to 2 words"):
        label_kinds(Odd(), [{}], [("a b", [1, 2, 3])], [True], np.ones((1, 3), bool))


def test_the_task_and_the_lexicon_are_found(tmp_path, task):
    file = tmp_path / "sums.jsonl"
    file.write_text('{"question": "1 + 1?", "answer": "so #### 2"}\n{"question": "2 + 2?", "answer": "#### 4"}\n')
    found, inputs = find_task("", str(file), {"answer_mode": "lenient"})
    assert inputs["task"] == "gsm8k"
    assert found.score("it is 2", found.rows("train", 2, 0)[0] | {"answer": "2"}, True).correct
    assert find_task("", f"gsm8k={file}", {})[1]["data"] == inputs["data"]
    for name, data in (("", ""), ("plan_execute", str(file))):
        with pytest.raises(ConfigError, match="one of the two"):
            find_task(name, data, {})
    with pytest.raises(ConfigError, match="plan_execut"):
        find_task("plan_execut", "", {})
    lexicon, remark = find_lexicon("", task)
    assert len(lexicon.phrases) == 66
    assert "66 phrases" in remark
    assert find_lexicon("", found)[0].name == "paper"
    assert find_lexicon("planning", task)[1] == ""


def test_the_text_has_both_tables_and_what_their_words_mean(result):
    text = text_of(result)
    assert max(map(len, text.splitlines())) <= 140
    assert text.splitlines()[0].startswith("3 batches, 108 rollouts, ")
    for part in ("noise: that of one batch", "label:NAME: the task's exact labels", "minus none", "direction: cosine"):
        assert part in text
    assert set(said(result)) <= set(text.splitlines())
