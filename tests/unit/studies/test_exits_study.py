"""The study of exits: its contrasts by hand, its page before and after the end, and one small trial of the runner."""

from __future__ import annotations

from typing import Any

import pytest

from paths import ROOT
from scripts import script


@pytest.fixture(autouse=True)
def _study(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "studies" / "exits"))


def line(side: int, seed: int, flat: float, graph: float, seconds: float = 1.0) -> dict[str, Any]:
    regret = {"flat": flat, "inside": (flat + graph) / 2, "graph": graph}
    return {
        "trial": f"{side}/{seed}", "precision": 1.0, "recall": 1.0 if seed > 1 else 0.5, "clusters": 4, "seconds": seconds,
        "arms": {arm: {"regret": [value / 20 * k for k in range(1, 21)], "seconds": 2.0} for arm, value in regret.items()},
    }  # fmt: skip


def stored(seeds: int = 20) -> dict[str, dict[str, Any]]:
    """Side 3 saves 50 + seed, side 4 nothing that can be told, and side 5 saves 80 + seed."""
    lines = [line(3, seed, 100 + seed, 50) for seed in range(1, seeds + 1)]
    lines += [line(4, seed, 100 + (-1) ** seed, 100) for seed in range(1, seeds + 1)]
    lines += [line(5, seed, 200 + seed, 120) for seed in range(1, seeds + 1)]
    return {one["trial"]: one for one in lines}


def test_contrasts_by_hand() -> None:
    from exits_outcome import contrasts, of_side

    found = {one["contrast"]: one for one in contrasts(stored())}
    assert [one["verdict"] for one in found.values()] == ["holds", "cannot be told", "holds", "holds"]
    assert found["graph minus flat, side 3"]["difference"] == pytest.approx(-60.5)  # 50 and the mean of 1 to 20
    assert found["graph minus flat, side 4"]["difference"] == 0
    growth = found["saved at side 5 less saved at side 3"]
    assert growth["difference"] == pytest.approx(30)
    assert growth["p_holm"] < 0.001
    side = of_side(stored(), 3)
    assert (side["seeds"], side["whole"], side["recall"]) == (20, 19, pytest.approx(0.975))
    assert side["arms"]["inside"]["regret"] == pytest.approx(80.25)
    assert side["less"] == pytest.approx(-30.25)


def test_the_reverse_is_said() -> None:
    from exits_outcome import verdict

    assert [verdict(1, 0.01), verdict(-1, 0.01), verdict(1, 0.2)] == ["holds", "the reverse holds", "cannot be told"]


def test_sides_with_few_seeds_are_not_tested() -> None:
    from exits_outcome import contrasts

    some = stored()
    assert [one["contrast"] for one in contrasts({key: some[key] for key in some if key[0] != "5"})] == [
        "graph minus flat, side 3", "graph minus flat, side 4",
    ]  # fmt: skip
    assert contrasts(stored(9)) == []


def test_the_page_shows_nothing_before_the_end_and_all_after_it() -> None:
    page = script("studies/exits/page.py", "exits_page")
    half = dict(list(stored().items())[:30])
    assert "under way" in page.page(half)
    assert "60.5" not in page.page(half)
    whole = page.page(stored())
    assert "| graph minus flat, side 3 | 20 | -60.5 | " in whole
    assert "in 19 of 20 seeds (precision 1.000, recall 0.975)" in whole
    picture = page.picture(stored())
    assert picture.startswith("<svg")
    assert picture == page.picture(stored())
    spent = {name: {**one, "seconds": 130.0} for name, one in half.items()}  # the hour is spent with side 5 missing
    assert "Side 5: too few seeds" in page.page(spent)


def test_the_page_that_is_kept_is_that_of_the_stored_trials() -> None:
    page = script("studies/exits/page.py", "exits_page")
    assert page.PAGE.read_text(encoding="utf-8") == page.page(page.stored())


@pytest.mark.slow
def test_a_small_trial() -> None:
    run = script("studies/exits/run.py", "exits_run")
    from exits_design import Trial

    found = run.made(Trial(2, 1), training=60, episodes=40)
    assert found["trial"] == "2/1"
    assert set(found["arms"]) == {"flat", "inside", "graph"}
    for arm in found["arms"].values():
        assert len(arm["regret"]) == 20
        assert arm["regret"] == sorted(arm["regret"])
    same = run.made(Trial(2, 1), training=60, episodes=40)
    assert [same["arms"][arm]["regret"] for arm in same["arms"]] == [one["regret"] for one in found["arms"].values()]


def test_trials_go_side_by_side_and_seeds_are_no_pilots() -> None:
    from exits_design import PILOTS, SEEDS, SIDES, trials

    names = [one.name for one in trials()]
    assert len(names) == len(set(names)) == 60
    assert names[:20] == [f"3/{seed}" for seed in range(1, 21)]
    assert not {*PILOTS, 0} & {*SEEDS}
    assert SIDES == (3, 4, 5)
