"""The page of the signal by level says what its results say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scripts import script


@pytest.fixture
def made() -> Any:
    """page.py, under a name of its own: another study has one of the same name."""
    return script("studies/levels/page.py", "levels_page")


def test_page_and_picture_are_what_the_results_say(made: Any) -> None:
    results = json.loads(made.RESULTS.read_text(encoding="utf-8"))
    assert made.PAGE.read_text(encoding="utf-8") == made.page(results)
    assert made.PICTURE.read_text(encoding="utf-8") == made.picture(results)
    for one in results:
        for division in made.DIVISIONS:
            shares = [one["kinds"][kind]["share"] for kind in division if kind in one["kinds"]]
            if shares and None not in shares:
                assert sum(shares) == pytest.approx(1.0)


def test_a_kind_alone_is_not_drawn_and_an_unknown_share_is_a_dash(made: Any) -> None:
    alone = {"share": 1.0, "ci": [1.0, 1.0], "snr": 2.0, "token_share": 1.0}
    unknown = {"share": None, "ci": None, "snr": None, "token_share": 0.25}
    one = {"world": "chain", "system": "carl", "accuracy": 0.125, "interactions": 1200, "kinds": {"action": alone}}
    assert made.divided(one, made.DIVISIONS[0]) == []
    one["kinds"] |= {"critical": unknown, "other": alone}
    assert made.divided(one, made.DIVISIONS[1]) == ["critical", "other"]
    lines = made.table([one]).splitlines()
    assert "| chain | `carl` | 1,200 | 12.5 | critical | 25.0 | - | - | - |" in lines
    assert "| chain | `carl` | 1,200 | 12.5 | other | 100.0 | 100.0 | 100.0 to 100.0 | 2.00 |" in lines
