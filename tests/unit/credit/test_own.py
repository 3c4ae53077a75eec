"""Methods of one's own: found by module:function, tried out before they are used, registered by name."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest

from hicra import credit
from hicra.credit.assignment import choose
from hicra.credit.own import files_of
from hicra.credit.trial import try_out
from hicra.errors import ConfigError, DataError

CODE = """
import numpy as np
from hicra import credit

def doubled(advantages, batch, *, by: float = 2.0):
    return advantages * by

def longer(advantages, batch):
    return np.zeros((3, 3))

def nan(advantages, batch):
    return np.where(batch["response_mask"], np.nan, 0)

def everywhere(advantages, batch):
    return advantages + 0.5

def in_place(advantages, batch):
    batch["planning_mask"][:] = True
    return advantages

def fails(advantages, batch):
    return advantages * batch["no_such_field"]

def scalar(logps, old_logps, advantages, mask, batch):
    return (-advantages * logps).sum()

def plain(logps, old_logps, advantages, mask, batch):
    return -advantages * logps

def infinite(logps, old_logps, advantages, mask, batch):
    return -advantages * logps / 0.0

def of_tensors(logps, old_logps, advantages, mask, batch):
    import torch
    return -advantages * torch.exp(logps - old_logps)

def ones(rewards, group_ids, batch):
    return np.ones(len(rewards))

def whole_numbers(advantages, batch):
    return (4 * advantages).astype(int)

def one_nan(advantages, batch):
    out = advantages * 1
    out[1, 2] = np.nan
    return out

def by_entropy(advantages, batch):
    return advantages * batch["entropies"]

def in_its_copy(advantages, batch, *, by: float = 2.0):
    advantages *= by
    return advantages

def positional(advantages, batch, gamma=0.95):
    return advantages * gamma

def too_few(advantages):
    return advantages

def no_default(advantages, batch, *, k: float):
    return advantages * k

def no_type(advantages, batch, *, gamma=0.95):
    return advantages * gamma

def nothing_said(advantages, batch, *, k):
    return advantages * k

def odd_type(advantages, batch, *, base: np.ndarray = None):
    return advantages

def unknown_type(advantages: "NoSuchType", batch):
    return advantages

def groups_in_place(rewards, group_ids, batch):
    group_ids += 1
    return rewards - rewards.mean()

def detached(logps, old_logps, advantages, mask, batch):
    return -advantages * logps.detach()

def times_zero(logps, old_logps, advantages, mask, batch):
    advantages *= 0
    return -advantages * logps

def steep(logps, old_logps, advantages, mask, batch):
    return -advantages * (logps - logps).sqrt()

def of_numpy(logps, old_logps, advantages, mask, batch):
    return -advantages * np.exp(logps - old_logps)

def by_plan(logps, old_logps, advantages, mask, batch):
    return -advantages * logps * batch["planning_mask"]

def other_mean(logps, old_logps, advantages, mask, batch, *, mean: str = "mine"):
    return -advantages * logps

ENTRY = credit.Method("mine", doubled, "a paper", needs=("response_mask",))
NUMBER = 3
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / "own_code_of_a_test.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield "own_code_of_a_test"
    sys.modules.pop("own_code_of_a_test", None)


BATCH = {
    "response_ids": [[1, 2], [3, 4]], "response_mask": [[1, 1], [1, 0]], "planning_mask": [[1, 0], [0, 0]],
    "rewards": [1, 0], "group_ids": [7, 7],
}  # fmt: skip


def test_a_function_of_ones_own_is_a_method(module):
    assert module not in sys.modules
    chosen = choose(credit.Method, f"{module}:doubled", {"by": 3.0}, "method.name")
    assert chosen.settings == {"by": 3.0}
    got = chosen.entry(np.array([0.5, -0.5]), BATCH, **chosen.settings)
    assert got.tolist() == [[1.5, 1.5], [-1.5, -0.5]]  # the last token is padding
    assert chosen.entry.scope == "batch"  # nobody knows, so it sees the batch of all processes


def test_an_entry_of_ones_own_keeps_what_it_says(module):
    chosen = choose(credit.Method, f"{module}:ENTRY", {}, "method.name")
    assert (chosen.entry.name, chosen.entry.needs, chosen.settings) == ("mine", ("response_mask",), {"by": 2.0})


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("longer", r"gave ndarray of shape \(3, 3\)"),
        ("nan", "gave nan at row 0, token 0"),
        ("everywhere", "it changes row 0, token 4, which the policy did not produce"),
        ("in_place", "it writes into planning_mask"),
        ("fails", "KeyError: 'no_such_field'"),
        ("no_such", "has no 'no_such'"),
        ("NUMBER", "is a int, no method"),
    ],
)
def test_what_it_does_wrong_is_said_before_it_is_used(module, name, says):
    with pytest.raises(ConfigError, match=says):
        choose(credit.Method, f"{module}:{name}", {}, "method.name")


def refusal(kind, name, settings=None, key="method.name"):
    with pytest.raises(ConfigError) as error:
        choose(kind, name, settings or {}, key)
    return error.value


def test_a_result_that_is_refused_is_named_once_and_said_to_be_of_made_up_rollouts(module):
    error = refusal(credit.Method, f"{module}:one_nan")
    assert error.message == (
        f"shaper '{module}:one_nan' gave nan at row 1, token 2 (1 value is not finite) "
        "(tried on 4 made-up rollouts of up to 5 tokens)"
    )
    assert error.fix == "mend that function"
    assert (
        "(13 values are not finite)" in refusal(credit.Method, f"{module}:nan").message
    )  # 4 + 3 + 4 + 2 policy tokens


def test_a_shaper_that_gives_whole_numbers_is_refused(module):
    error = refusal(credit.Method, f"{module}:whole_numbers")
    assert f"{module}:whole_numbers: it gives numbers of type int64, and advantages are floats" in error.message


def test_a_field_that_a_plain_function_does_not_get_asks_for_an_entry(module):
    error = refusal(credit.Method, f"{module}:by_entropy")
    assert "by_entropy reads entropies, which is not among the fields that it gets" in error.message
    assert "credit.Method('mine', the_function" in error.fix
    assert error.fix.endswith("'group_ids', 'entropies'))")
    assert "its batch holds response_ids" in refusal(credit.Method, f"{module}:fails").fix


def test_advantages_are_a_copy(module):
    chosen = choose(credit.Method, f"{module}:in_its_copy", {}, "method.name")
    given = np.array([[1.0, 1.0], [-1.0, -1.0]])
    assert chosen.entry(given, BATCH, **chosen.settings).tolist() == [[2.0, 2.0], [-2.0, -1.0]]  # the last is padding
    assert given.tolist() == [[1.0, 1.0], [-1.0, -1.0]]


def test_group_ids_are_not_a_copy(module):
    assert "it writes into group_ids" in refusal(credit.Baseline, f"{module}:groups_in_place").message


@pytest.mark.parametrize(
    ("name", "says", "fix"),
    [
        ("positional", "parameter gamma must be keyword-only, or it is no setting", "put `*, ` before gamma"),
        ("too_few", "takes advantages, and a shaper is handed advantages, batch", "def too_few(advantages, batch, *, "),
        ("no_default", "setting 'k' has no default", "write k: float = 1.0"),
        ("no_type", "setting 'gamma' has no type", "write gamma: float = 0.95"),
        ("nothing_said", "setting 'k' has no type and no default", "write k: float = 1.0"),
        ("odd_type", "its settings cannot be read", "give settings simple types"),
        ("unknown_type", "its signature cannot be read: NameError: name 'NoSuchType'", "def unknown_type("),
    ],
)
def test_what_a_signature_lacks_is_said(module, name, says, fix):
    error = refusal(credit.Method, f"{module}:{name}")
    assert says in error.message
    assert fix in error.fix


def test_a_setting_that_every_loss_has_is_refused(module):
    assert "every loss has a setting 'mean' already" in refusal(credit.Loss, f"{module}:other_mean").message


@pytest.mark.parametrize(
    ("name", "says", "fix"),
    [
        ("detached", "no gradient of its loss reaches logps", "without detach()"),
        ("times_zero", "no gradient of its loss reaches logps", "a product with 0"),
        ("steep", "its gradient is nan at row 0, token 0", "look at roots"),
        (
            "of_numpy",
            "of_numpy calls a function of numpy on a tensor with a gradient",
            "hicra.arrays.namespace_of(logps)",
        ),
        ("by_plan", "KeyError: 'planning_mask'", "the fields of its entry's `needs` alone"),
    ],
)
def test_a_loss_without_a_sound_gradient_is_refused(module, name, says, fix):
    pytest.importorskip("torch")
    error = refusal(credit.Loss, f"{module}:{name}", key="loss.name")
    assert says in error.message
    assert fix in error.fix


@pytest.mark.parametrize("name", credit.LOSSES)
def test_every_loss_of_the_package_passes_the_trial_of_ones_own(name):
    pytest.importorskip("torch")
    try_out(credit.LOSSES[name], credit.LOSSES[name].settings)


def test_a_wrong_setting_of_a_further_shaper_is_named_by_its_place():
    with pytest.raises(ConfigError, match=r"^method\.then\[0\]\.settings\.gama: .* has no setting 'gama'"):
        credit.assign({"name": "none"}, [{"name": "position_shaping", "settings": {"gama": 0.9}}])


def test_the_hash_of_a_part_changes_with_its_file_alone(module, tmp_path):
    method, then = {"name": f"{module}:doubled"}, [{"name": f"{module}:ENTRY"}]
    whole = {"baseline": {"name": f"{module}:ones"}, "loss": {"name": f"{module}:plain"}}
    one = hashlib.sha256(CODE.encode()).hexdigest()
    assert credit.assign(method, **whole).hashes() == {"method": one, "baseline": one, "loss": one}
    assert credit.assign({"name": "hicra"}, [method]).hashes() == {"method": one}
    assert credit.assign(method, then).hashes()["method"] != one  # of two files, though they are the same here
    assert credit.assign({"name": "hicra"}, loss={"name": "clip"}).hashes() == {}
    (tmp_path / f"{module}.py").write_text(CODE + "# changed\n")
    assert credit.assign(method).hashes()["method"] == hashlib.sha256((CODE + "# changed\n").encode()).hexdigest()


def test_a_script_that_is_run_has_no_hash(monkeypatch):
    def shape(advantages, batch):
        return advantages

    entry = credit.Method("in_a_script", shape, "a paper", needs=("response_mask",))
    assert files_of(entry, "in_a_script") == (Path(__file__),)
    monkeypatch.setattr(shape, "__module__", "__main__")
    assert files_of(entry, "in_a_script") == ()


def test_a_baseline_and_a_loss_of_ones_own(module):
    baseline = choose(credit.Baseline, f"{module}:ones", {}, "baseline.name").entry
    assert baseline([1, 0], [1, 1], {"response_ids": [[1], [2]], "response_mask": [[1], [1]]}).tolist() == [1, 1]
    loss = choose(credit.Loss, f"{module}:plain", {"mean": "responses"}, "loss.name")
    # rows: -(1 * -1) = 1; -(2 * -3) = 6 and the second token is masked; mean 3.5
    got = loss.entry(
        np.array([[-1.0], [-3.0]]), np.zeros((2, 1)), np.array([[1.0], [2.0]]), [[1], [1]], **loss.settings
    )
    assert got == 3.5
    with pytest.raises(ConfigError, match=r"of shape \(\) and must give"):
        choose(credit.Loss, f"{module}:scalar", {}, "loss.name")
    with np.errstate(all="ignore"), pytest.raises(ConfigError, match="it gives a loss that is not finite"):
        choose(credit.Loss, f"{module}:infinite", {}, "loss.name")


def test_a_loss_may_be_written_for_tensors_alone(module):
    pytest.importorskip("torch")
    assert choose(credit.Loss, f"{module}:of_tensors", {}, "loss.name").settings["mean"] == "tokens"


def test_without_torch_a_loss_is_tried_with_numpy(module, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert choose(credit.Loss, f"{module}:plain", {}, "loss.name").settings["mean"] == "tokens"
    with np.errstate(all="ignore"):
        assert "not finite" in refusal(credit.Loss, f"{module}:infinite", key="loss.name").message


def test_an_entry_that_forgets_the_mask_is_told_so():
    with pytest.raises(ConfigError, match="reads response_mask, which is not among the fields") as error:
        try_out(credit.Method("mine", lambda advantages, batch: advantages, "a paper", needs=("entropies",)), {})
    assert error.value.fix.endswith("needs=('entropies', 'response_mask'))")


def test_a_module_that_is_not_there():
    with pytest.raises(ConfigError, match="there is no module 'no_such_module'"):
        choose(credit.Method, "no_such_module:shape", {}, "method.name")
    with pytest.raises(ConfigError, match="no method 'hikra'") as error:
        choose(credit.Method, "hikra", {}, "method.name")
    assert "did you mean 'hicra'" in error.value.fix


def test_a_module_that_fails_says_why(tmp_path, monkeypatch):
    (tmp_path / "broken_code_of_a_test.py").write_text("import no_such_package\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    with pytest.raises(ConfigError, match="needs no_such_package"):
        choose(credit.Method, "broken_code_of_a_test:shape", {}, "method.name")


def test_registered_names_are_in_the_table(monkeypatch):
    entry = credit.Method("of_a_test", lambda advantages, batch: advantages, "a paper", needs=("response_mask",))
    try:
        assert credit.register(entry) is entry
        assert credit.METHODS["of_a_test"] is entry
        credit.register(entry)
        with pytest.raises(ConfigError, match="parameter by must be keyword-only"):
            credit.register(credit.Method("of_another", lambda advantages, batch, by=1.0: advantages, "another"))
        assert "of_another" not in credit.METHODS
        with pytest.raises(ConfigError, match="there is a method 'of_a_test' already"):
            credit.register(credit.Method("of_a_test", np.sign, "another"))
        assert credit.get_method("of_a_test") is entry
    finally:
        del credit.METHODS["of_a_test"]


def test_what_comes_out_in_a_run_is_checked_too():
    late = credit.Method(
        "late",
        lambda advantages, batch: advantages / 0 if advantages.shape[0] > 3 else advantages,
        "-",
        ("response_mask",),
    )
    with np.errstate(all="ignore"), pytest.raises(DataError, match="shaper 'late' gave inf at row 0, token 0"):
        late(np.ones(5), {"response_mask": np.ones((5, 2))})
