"""The studies of PEAR and OPARL: verdicts by hand, and pages that show nothing before the end."""

from __future__ import annotations

from typing import Any

import pytest

from paths import ROOT
from scripts import script


@pytest.fixture(autouse=True)
def _study(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "studies" / "classic"))


def curve(*shares: float) -> list[list[float]]:
    return [[3000 * (number + 1), share] for number, share in enumerate(shares)]


def stored(fixed: float = 0.4, plain_end: float = 0.2) -> dict[str, dict[str, Any]]:
    """Of PEAR the mean is 0.5 + seed / 100, of equal distances `fixed` + seed / 100, of plain SAC 0.1 + seed / 100."""
    found: dict[str, dict[str, Any]] = {}
    for seed in range(1, 8):
        for arm, level in (("pear", 0.5), ("fixed", fixed), ("plain", 0.1)):
            shares = [level + seed / 100] * 4 + [plain_end if arm == "plain" else level + seed / 100]
            found[f"pear/PointMaze_UMaze-v3/{arm}/{seed}"] = {
                "seconds": 10.0,
                "success": curve(*shares),
                "subgoals": [3, 2],
            }
    for seed in (1, 2, 3):
        for arm, back in (("oparl", -150.0), ("td3", -300.0)):
            found[f"oparl/Pendulum-v1/{arm}/{seed}"] = {
                "seconds": 5.0,
                "returns": [back - seed, back + seed],
                "coverage": 0.2,
            }
            found[f"oparl/MountainCarContinuous-v0/{arm}/{seed}"] = {
                "seconds": 5.0,
                "returns": [0.0],
                "coverage": seed / 10,
            }
    return found


def test_contrasts_of_pear_by_hand() -> None:
    from classic_outcome import pear

    found = pear(stored())
    assert found["pairs"] == 7
    assert found["arms"]["pear"] == pytest.approx({"mean": 0.54, "end": 0.54})
    plain, fixed = found["contrasts"]
    assert fixed["difference"] == pytest.approx(0.1)
    assert fixed["p_holm"] == pytest.approx(2 * 2 / 128)  # all seven on one side
    assert [plain["verdict"], fixed["verdict"]] == ["holds", "holds"]
    assert pear(stored(fixed=0.6))["contrasts"][1]["verdict"] == "the reverse holds"
    assert pear(stored(fixed=0.5))["contrasts"][1]["verdict"] == "cannot be told"


def test_where_nothing_is_learned_no_contrast_is_read() -> None:
    from classic_outcome import pear

    some = stored()
    for name, line in some.items():
        if name.startswith("pear/"):
            line["success"] = curve(0.0, 0.5, 0.5, 0.5, 0.05)
    assert pear(some)["contrasts"] == []
    page = script("studies/classic/page.py", "classic_page")
    assert "nothing was learned" in page.pear_figures(some)


def test_oparl_must_learn_in_every_run() -> None:
    from classic_outcome import oparl

    some = stored()
    assert oparl(some)["verdict"] == "holds"
    some["oparl/Pendulum-v1/oparl/2"]["returns"] = [-250.0]
    assert oparl(some)["verdict"] == "does not hold"


def test_the_page_shows_nothing_before_the_end_and_all_after_it() -> None:
    page = script("studies/classic/page.py", "classic_page")
    some = stored()
    assert page.page({}).count("under way") == 2
    whole = page.page(some)
    assert "| pear minus fixed | +0.100 | " in whole
    assert "in each run **holds**" in whole
    assert "| OPARL | 2 | -150.0 | 0.2000 |" in whole
    assert page.picture(some).startswith("<svg")
    del some["pear/PointMaze_UMaze-v3/plain/7"]
    assert page.page(some).count("under way") == 1
    some["pear/PointMaze_UMaze-v3/plain/6"]["seconds"] = 5400.0  # the hours are spent
    assert "Only 6 pairs are complete" in page.page(some)


def test_the_page_that_is_kept_is_that_of_the_stored_runs() -> None:
    page = script("studies/classic/page.py", "classic_page")
    assert page.PAGE.read_text(encoding="utf-8") == page.page(page.stored())


def test_runs_are_paired_and_seeds_are_no_pilots() -> None:
    from classic_design import PEAR_ARMS, runs

    names = [run.name for run in runs()]
    assert len(names) == len(set(names)) == 12 + 21
    pear = [run for run in runs() if run.system == "pear"]
    for start in range(0, len(pear), 3):
        assert {run.arm for run in pear[start : start + 3]} == set(PEAR_ARMS)
        assert len({run.seed for run in pear[start : start + 3]}) == 1
    assert all(0 < run.seed < 90 for run in runs())
