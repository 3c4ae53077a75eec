"""The script that times every entry of the tables of credit: it gives each of them what it needs, and leaves none out."""

from __future__ import annotations

import sys
from typing import Any

import pytest

pytest.importorskip("torch")

import bench_methods
from hicra import credit
from hicra.errors import MissingField


def test_every_entry_runs_at_the_smallest_size() -> None:
    works = bench_methods.works(bench_methods.GROUP, bench_methods.ACTION)
    for kind, table in (("baseline", credit.BASELINES), ("shaper", credit.METHODS), ("loss", credit.LOSSES)):
        assert {name for of, name in works if of == kind} == set(table)
    for work in works.values():
        work()  # an entry raises where a field that it needs is missing or makes no sense


def test_decisions_of_an_action_are_told_apart() -> None:
    batch = bench_methods.batch_of(8, 320)  # actions 0 to 4 of 64 tokens; every fourth begins a subgoal: 0 and 4
    assert [int(one) for one in batch["switch_mask"][3].nonzero()[0]] == [0, 64, 128, 192, 256]
    assert [int(one) for one in batch["subgoal_mask"][3].nonzero()[0]] == [*range(1, 8), *range(257, 264)]


def test_a_field_that_it_does_not_make_is_an_error() -> None:
    given = set(bench_methods.batch_of(8, 64)) - {"switch_mask"}
    with pytest.raises(MissingField, match=r"baseline 'hiper' needs switch_mask, which .* does not make\n.*batch_of"):
        bench_methods.check_fields(given)


def test_a_size_that_it_cannot_cut_is_refused(monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setattr(sys, "argv", ["bench_methods.py", "--width", "100"])
    with pytest.raises(SystemExit, match="2"):
        bench_methods.main()
    assert "--width is 100: give a multiple of 64" in capsys.readouterr().err
