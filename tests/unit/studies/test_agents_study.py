"""The study of agents: its metric by hand, and a design in which arms are paired and cost alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hicra.related.systems import open_system
from paths import ROOT
from scripts import script


@pytest.fixture(autouse=True)
def _study(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "studies" / "agents"))


def test_interactions_to_the_target_by_hand() -> None:
    from curve import interactions_to

    curve = [(0, 0.1), (2000, 0.3), (4100, 0.5), (6000, 0.7), (8000, 0.4)]
    # 0.5 at 4100 and 0.7 at 6000: 0.6 lies half way, 4100 + 950. That it falls again later does not count
    assert interactions_to(0.6, curve, 20_000) == pytest.approx(5050)
    assert interactions_to(0.5, curve, 20_000) == 4100
    assert interactions_to(0.05, curve, 20_000) == 0
    assert interactions_to(0.8, curve, 20_000) == 20_000
    assert interactions_to(0.6, curve, 5_000) == 5_000  # reached beyond the budget is not reached


def test_area_by_hand() -> None:
    from curve import area

    # 0 to 1000: mean 0.25; 1000 to 2000: mean 0.5; from there to the budget of 4000 it stays at 0.5
    assert area([(0, 0.0), (1000, 0.5), (2000, 0.5)], 4000) == pytest.approx((250 + 500 + 1000) / 4000)
    # the last piece, from 1000 to 3000, is cut at 2000, where the line is at 0.75
    assert area([(0, 0.5), (1000, 0.5), (3000, 1.0)], 2000) == pytest.approx((500 + 625) / 2000)


def test_arms_are_paired_and_play_equally_many_episodes() -> None:
    from design import ARMS, ENVIRONMENTS, PAIRS, runs

    every = list(runs())
    assert len(every) == len({run.name for run in every}) == len(ENVIRONMENTS) * len(ARMS) * len(PAIRS) == 64
    for start in range(0, len(every), len(ARMS)):  # pair by pair, and one environment after the other
        block = every[start : start + len(ARMS)]
        assert {run.arm for run in block} == set(ARMS)
        assert len({(run.environment, run.pair, run.seed) for run in block}) == 1
    assert len({run.environment for run in every[:32]}) == 1
    for system, settings in ARMS.values():
        _, whole = open_system(system, settings, 8)
        assert whole["group_size"] + whole.get("blueprints", 0) == 16


def line(*values: float) -> list[tuple[float, float]]:
    from design import BUDGET

    return [(BUDGET["minigrid"] / 2 * number, value) for number, value in enumerate(values)]


def test_contrasts_by_hand() -> None:
    from design import ARMS, PAIRS
    from outcome import contrasts, worlds_and_pairs

    # HiMAC has 1.0 at half the budget, so it reaches 0.6 at a quarter (half way from 0.2); the others never do: 0.25 minus 1 in
    # all eight pairs
    curves = {("minigrid", arm, pair): line(0.2, 0.2, 0.2) for arm in ARMS for pair in PAIRS}
    curves |= {("minigrid", "himac", pair): line(0.2, 1.0, 1.0) for pair in PAIRS}
    found = contrasts(curves)
    assert (found["worlds"], found["pairs"]) == (["minigrid"], list(PAIRS))
    assert found["arms"]["himac"] == pytest.approx({"interactions": 0.25, "area": 0.8, "end": 1.0, "reached": 1.0})
    assert found["arms"]["grpo"] == pytest.approx({"interactions": 1.0, "area": 0.2, "end": 0.2, "reached": 0.0})
    first = found["contrasts"][0]
    assert first["difference"] == pytest.approx(-0.75)
    assert first["p"] == pytest.approx(2 / 256)  # all flips but two are less extreme
    assert first["p_holm"] == pytest.approx(3 * 2 / 256)
    assert [one["verdict"] for one in found["contrasts"]] == ["holds"] * 3
    # a second world of six pairs does not count, one of seven counts with those pairs alone
    few = curves | {("hcraft", arm, pair): line(0.2, 0.2, 0.2) for arm in ARMS for pair in range(1, 7)}
    assert worlds_and_pairs(few) == (["minigrid"], list(PAIRS))
    some = curves | {("hcraft", arm, pair): line(0.2, 0.2, 0.2, 0.2, 0.2) for arm in ARMS for pair in range(1, 8)}
    assert worlds_and_pairs(some) == (["hcraft", "minigrid"], [1, 2, 3, 4, 5, 6, 7])
    assert contrasts(some)["contrasts"][0]["difference"] == pytest.approx(-0.375)
    del curves["minigrid", "gigpo", 3]
    assert worlds_and_pairs(curves) == (["minigrid"], [1, 2, 4, 5, 6, 7, 8])
    assert contrasts(curves)["contrasts"][0]["p_holm"] == pytest.approx(3 * 2 / 128)  # the least that seven pairs give
    del curves["minigrid", "gigpo", 4]
    assert worlds_and_pairs(curves) == ([], [])
    assert contrasts(curves)["contrasts"] == []


def test_verdicts_are_those_of_the_registration() -> None:
    from outcome import verdict

    assert verdict(-0.3, -0.5, 0.02) == "holds"
    assert verdict(0.3, 0.1, 0.02) == "the reverse holds"
    assert verdict(-0.05, -0.09, 0.2) == "does not hold"
    assert verdict(-0.05, -0.2, 0.2) == "cannot be told"


def test_a_stored_run_is_read_back_and_a_pair_keeps_its_start(tmp_path: Path) -> None:
    import made_runs
    from design import Planned

    file = tmp_path / "results.jsonl"
    assert made_runs.read(file) == {}
    run, other = Planned("hcraft", "himac", 3), Planned("hcraft", "grpo", 3)
    made_runs.add(run, [(0.0, 0.1), (6100.0, 0.25)], {"hicra/reward": 0.5, "arm": "himac"}, 35, "abc", 12.34, file)
    assert made_runs.read(file) == {
        "hcraft/himac/3": {
            "run": "hcraft/himac/3", "curve": [[0, 0.1], [6100, 0.25]], "steps": 35, "start": "abc", "seconds": 12.3,
            "last": {"hicra/reward": 0.5},
        }
    }  # fmt: skip
    made_runs.refuse_other_start(other, "abc", file)
    made_runs.refuse_other_start(Planned("hcraft", "grpo", 4), "other", file)  # another pair has another start
    with pytest.raises(SystemExit, match="hcraft/himac/3 is stored with a warm start abc, and here it is other"):
        made_runs.refuse_other_start(other, "other", file)


@pytest.fixture
def made() -> Any:
    """page.py, under a name of its own: another study has one of the same name."""
    return script("studies/agents/page.py", "agents_page")


def test_the_page_is_what_the_results_say(made: Any) -> None:
    stored = made.made_runs.read()
    assert made.PAGE.read_text(encoding="utf-8") == made.page(stored)
    assert made.PICTURE.exists() == bool(
        made.ended(stored) and made.outcome.worlds_and_pairs(made.outcome.read(stored))[1]
    )


def test_a_study_under_way_shows_no_figure_and_one_that_has_ended_shows_all(made: Any) -> None:
    from design import PAIRS, runs

    # HiMAC has 1.0 at half the budget, so it reaches 0.6 at 7,500; the others never do, and count with 30,000
    stored = {
        run.name: {"curve": line(0.2, *((1.0, 1.0) if run.arm == "himac" else (0.2, 0.2))), "seconds": 360.0}
        for run in runs() if run.environment == "minigrid"
    }  # fmt: skip
    assert made.hours(stored) == pytest.approx(3.2)
    assert not made.ended(stored)
    assert "32 of 64 runs are stored" in made.page(stored)
    assert "HiMAC minus" not in made.page(stored)
    stored = {name: one | {"seconds": 570.0} for name, one in stored.items()}  # over 5 hours: the stop rule
    assert made.ended(stored)
    page = made.page(stored)
    assert f"8 pairs of {len(PAIRS)} count, in DoorKey. workshop had too few complete pairs" in page
    assert "| HiMAC minus flat GRPO | -0.75 | -0.75 to -0.75 | 0.023 | holds |" in page
    assert "| DoorKey | HiMAC | 7,500 | 8 of 8 | 80.0 | 20.0 | 100.0 |" in page
    assert "| DoorKey | GiGPO | 30,000 | 0 of 8 | 20.0 | 20.0 | 20.0 |" in page
    assert "is not shown here" in page  # without alternation is no better than flat
    assert made.picture(stored).count("<title") == 1
