"""The study of ESPO: its metric by hand, a design in which arms are paired, and a page that shows nothing before its end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

from paths import ROOT
from scripts import script


@pytest.fixture(autouse=True)
def _study(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "studies" / "espo"))


def curve(*solved: float) -> list[list[float]]:
    return [[10 * number, value, value] for number, value in enumerate(solved)]


def test_the_metric_by_hand() -> None:
    from espo_outcome import collapsed, mean_solved

    # 0.1 to 0.5 is 0.3 on average over the first ten steps, 0.5 to 0.3 is 0.4 over the next
    assert mean_solved(curve(0.1, 0.5, 0.3)) == pytest.approx(0.35)
    assert mean_solved([[0, 0.0, 0], [10, 1.0, 0], [30, 0.5, 0]]) == pytest.approx((5 + 15) / 30)
    assert collapsed(curve(0.1, 0.6, 0.29))
    assert not collapsed(curve(0.1, 0.6, 0.3))
    assert not collapsed(curve(0.3, 0.3, 0.2))


def test_arms_are_paired_and_differ_in_what_they_are_named_after() -> None:
    from espo_design import ARMS, PAIRS, PILOT, pilots, runs

    every = list(runs())
    assert len(every) == len({run.name for run in every}) == len(ARMS) * len(PAIRS) == 40
    for start in range(0, len(every), len(ARMS)):
        block = every[start : start + len(ARMS)]
        assert {run.arm for run in block} == set(ARMS)
        assert len({(run.pair, run.settings.seed) for run in block}) == 1
    said = {run.arm: run.settings for run in every}
    assert {arm: (one.masks, one.objective.level, one.objective.kl) for arm, one in said.items()} == {
        "espo": ("coupled", "sequence", "k2"), "token_elbo": ("coupled", "token", "k2"),
        "sequence_mean_field": ("mean_field", "sequence", "k2"), "token_mean_field": ("mean_field", "token", "k2"),
        "espo_k3": ("coupled", "sequence", "k3"),
    }  # fmt: skip
    others = [one.model_dump(exclude={"masks", "objective", "learning_rate", "seed"}) for one in said.values()]
    assert all(one == others[0] for one in others)
    tried = list(pilots())
    assert {run.pair for run in tried} == {PILOT}
    assert not {run.name for run in tried} & {run.name for run in every}
    assert [run.settings.learning_rate for run in tried] == [1e-4, 3e-4, 1e-3] * len(ARMS)


def test_contrasts_by_hand() -> None:
    from espo_design import ARMS, PAIRS
    from espo_outcome import contrasts, verdict

    stored = {f"{arm}/{pair}": {"curve": curve(0.2, 0.2, 0.2), "seconds": 10.0} for arm in ARMS for pair in PAIRS}
    stored |= {f"espo/{pair}": {"curve": curve(0.2, 0.6, 0.6), "seconds": 20.0} for pair in PAIRS}
    found = contrasts(stored)
    assert found["arms"]["espo"] == pytest.approx(
        {"mean": 0.5, "start": 0.2, "end": 0.6, "collapsed": 0, "seconds": 20}
    )
    first = found["contrasts"][0]
    assert (first["contrast"], first["verdict"]) == ("espo minus token_elbo", "holds")
    assert first["difference"] == pytest.approx(0.3)
    assert first["p_holm"] == pytest.approx(3 * 2 / 256)
    assert [one["verdict"] for one in found["contrasts"]] == ["holds"] * 3 + ["exploratory"]
    del stored["espo_k3/3"]
    assert contrasts(stored)["pairs"] == [1, 2, 4, 5, 6, 7, 8]
    del stored["espo/4"]
    assert contrasts(stored)["contrasts"] == []
    assert verdict(-0.3, -0.2, 0.01) == "the reverse holds"
    assert verdict(0.01, 0.04, 0.5) == "does not hold"
    assert verdict(0.01, 0.06, 0.5) == "cannot be told"


def test_a_stored_run_is_read_back(tmp_path: Path) -> None:
    import espo_results
    from espo_design import Planned

    file = tmp_path / "results.jsonl"
    assert espo_results.read(file) == {}
    espo_results.add(Planned("espo", 3), [(0, 0.1, 0.4), (10, 0.25, 0.5)], {"ratio": 1.0}, "abc", 12.34, file)
    assert espo_results.read(file)["espo/3"] == {
        "run": "espo/3", "curve": [[0, 0.1, 0.4], [10, 0.25, 0.5]], "start": "abc", "seconds": 12.3, "last": {"ratio": 1.0},
    }  # fmt: skip
    assert espo_results.file_of(Planned("espo", 3)) == espo_results.RESULTS
    assert espo_results.file_of(Planned("espo", 90, 3e-4)) == espo_results.PILOTS


@pytest.fixture
def made() -> Any:
    """page.py, under a name of its own: another study has one of the same name."""
    return script("studies/espo/page.py", "espo_page")


def test_the_page_is_what_the_results_say(made: Any) -> None:
    stored = made.espo_results.read(made.espo_results.RESULTS)
    assert made.PAGE.read_text(encoding="utf-8") == made.page(stored)
    assert made.PICTURE.exists() == bool(made.ended(stored) and made.espo_outcome.contrasts(stored)["contrasts"])


def test_a_study_under_way_shows_no_figure_and_one_that_has_ended_shows_all(made: Any) -> None:
    from espo_design import runs

    stored = {
        run.name: {"curve": curve(0.2, 0.6, 0.6 if run.arm == "espo" else 0.2), "seconds": 50.0} for run in runs()
    }
    some = {name: one for name, one in stored.items() if not name.endswith("/8")}
    assert "35 of 40 runs are stored, 29 minutes" in made.page(some)
    assert "minus" not in made.page(some)
    page = made.page(stored)
    assert "8 pairs of 8 count." in page
    assert "| ESPO (sequence, ELBO) minus token, ELBO | +0.10 | +0.10 to +0.10 | 0.023 | holds |" in page
    assert "| token, ELBO | 0.0003 | 40.0 | 20.0 | 20.0 | 8 | 50 |" in page
    assert "is seen here" in page
    assert made.picture(stored).count("<title") == 1
