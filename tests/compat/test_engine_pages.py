"""The table of TRL's options names tests that exist, and every case of the tests of options stands in it."""

import make_engines
from trl_options import CASES, HERE, NEAR, OPTIONS


def test_every_id_names_a_test():
    assert list(make_engines.unknown_ids()) == []


def test_an_id_that_names_none_is_found(monkeypatch):
    wrong = ["test_trl_hook.py::test_nothing", "no_file.py::test_x", "test_trl_options.py::test_x[lora]", "no id"]
    monkeypatch.setattr(make_engines, "OPTIONS", [OPTIONS[0]._replace(tests=(test,)) for test in wrong])
    assert list(make_engines.unknown_ids()) == wrong


def test_what_is_tested_or_not_is_said_of_each_option():
    assert {one.outcome for one in OPTIONS} <= {
        "works", "refused", "not run", "works, and means something else", "in its own environment",
    }  # fmt: skip
    assert all(bool(one.tests) == (one.outcome != "not run") for one in OPTIONS)
    assert len({one.name for one in OPTIONS}) == len(OPTIONS)
    shown = {test.partition("[")[2].removesuffix("]") for one in OPTIONS for test in one.tests if test.startswith(HERE)}
    assert set(CASES) <= shown
    assert set(CASES) > NEAR
