"""The study of ETPO: arms that are paired and play equally many episodes, verdicts by hand, and a page that waits for the end."""

from __future__ import annotations

from typing import Any

import pytest

from hicra.related.critics.train import refuse_unused
from hicra.runs.sections import RunConfig
from paths import ROOT
from scripts import script

pytest.importorskip("torch")


@pytest.fixture(autouse=True)
def _study(monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("agents", "hierarchy", "etpo"):
        monkeypatch.syspath_prepend(str(ROOT / "studies" / folder))


def test_arms_are_paired_and_play_equally_many_episodes() -> None:
    from arms import ARMS, EPISODES, PAIRS, trials

    every = list(trials())
    assert len(every) == len({run.name for run in every}) == len(ARMS) * len(PAIRS) == 32
    for begin in range(0, len(every), len(ARMS)):  # pair by pair
        block = [run.config("start") for run in every[begin : begin + len(ARMS)]]
        assert len({one["train"]["seed"] for one in block}) == 1
        for one in block:
            config = RunConfig.model_validate(one)
            groups = config.train.group_size if config.system.name == "grpo" else 1
            assert config.train.prompts_per_step * groups == EPISODES
            if config.system.name == "etpo":
                refuse_unused(config)


def line(*values: float) -> list[tuple[float, float]]:
    from arms import BUDGET

    return [(BUDGET / 2 * number, value) for number, value in enumerate(values)]


def curves() -> dict[tuple[str, int], Any]:
    """ETPO has 1.0 at half the budget, so it reaches 0.6 at a quarter (half way from 0.2); the others never do."""
    from arms import ARMS, PAIRS

    never = {(arm, pair): line(0.2, 0.2, 0.2) for arm in ARMS for pair in PAIRS}
    return never | {("etpo", pair): line(0.2, 1.0, 1.0) for pair in PAIRS}


def test_contrasts_by_hand() -> None:
    from judged import contrasts

    given = curves()
    found = contrasts(given)
    assert found["arms"]["etpo"] == pytest.approx(
        {"interactions": 0.25, "reached": 8, "area": 0.8, "begin": 0.2, "end": 1.0}
    )
    assert found["arms"]["grpo"] == pytest.approx(
        {"interactions": 1.0, "reached": 0, "area": 0.2, "begin": 0.2, "end": 0.2}
    )
    for one in found["contrasts"]:
        assert one["difference"] == pytest.approx(-0.75)
        assert one["p"] == pytest.approx(2 / 256)
        assert one["p_holm"] == pytest.approx(3 * 2 / 256)
        assert one["verdict"] == "holds"
    del given["grpo", 1]
    assert contrasts(given)["pairs"] == [2, 3, 4, 5, 6, 7, 8]
    del given["grpo", 2]
    assert contrasts(given)["contrasts"] == []


def test_verdicts_are_those_of_the_registration() -> None:
    from judged import verdict

    assert verdict(-0.3, -0.5, 0.02) == "holds"
    assert verdict(0.3, 0.1, 0.02) == "the reverse holds"
    assert verdict(-0.05, -0.09, 0.2) == "does not hold"
    assert verdict(-0.05, -0.2, 0.2) == "cannot be told"


def test_the_page_shows_nothing_before_the_study_has_ended() -> None:
    page = script(ROOT / "studies" / "etpo" / "page.py", "etpo_page")
    stored = {f"{arm}/{pair}": {"curve": curve, "seconds": 10.0} for (arm, pair), curve in curves().items()}
    whole = page.page(stored)
    assert "| ETPO | 1,500 | 8 of 8 | 80.0 | 20.0 | 100.0 |" in whole
    assert "| GRPO | -0.75 | " in whole
    assert page.picture(stored).startswith("<svg")
    del stored["etpo/8"]
    early = page.page(stored)
    assert "under way" in early
    assert "1,500" not in early
    late = page.page({name: {**line, "seconds": 200.0} for name, line in stored.items()})
    assert "7 pairs of 8 count." in late


def test_the_page_is_what_the_script_writes() -> None:
    import kept

    page = script(ROOT / "studies" / "etpo" / "page.py", "etpo_page")
    assert (ROOT / "docs" / "evidence" / "etpo.md").read_text(encoding="utf-8") == page.page(kept.read())
