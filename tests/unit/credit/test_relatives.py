"""Whoever asks `hicra train` for a relative that has a command of its own is told the command, and not the nearest spelling."""

from __future__ import annotations

import re

import pytest

from hicra.credit.baseline import Baseline
from hicra.credit.loss import Loss
from hicra.credit.method import Method
from hicra.credit.own import TABLES, find
from hicra.credit.relatives import RELATIVES, elsewhere
from hicra.engines.open import ENGINES, entry_of
from hicra.errors import ConfigError
from hicra.related.systems import SYSTEMS, open_system
from paths import ROOT


@pytest.mark.parametrize("name", RELATIVES)
def test_the_command_is_named_whatever_it_is_taken_for(name: str) -> None:
    asks = [lambda: open_system(name.upper(), {}, 8), lambda: entry_of(name)]
    asks += [lambda kind=kind: find(kind, name, "x.name") for kind in (Method, Baseline, Loss)]
    for ask in asks:
        with pytest.raises(ConfigError) as raised:
            ask()
        assert RELATIVES[name] in raised.value.fix


@pytest.mark.parametrize("name", RELATIVES)
def test_the_command_and_the_page_are_there(name: str) -> None:
    found = re.findall(r"(?:recipes|docs)/[\w/.-]+", RELATIVES[name])
    assert len(found) == 2
    assert all((ROOT / one).is_file() for one in found)
    assert name not in SYSTEMS
    assert name not in ENGINES
    assert not any(name in table for table in TABLES.values())


def test_others_are_not() -> None:
    assert elsewhere("carl") is None
    assert elsewhere("etp") is None
