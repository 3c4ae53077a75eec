"""Methods of one's own: found by module:function, tried out before they are used, registered by name."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from hicra import credit
from hicra.credit.assignment import choose
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
