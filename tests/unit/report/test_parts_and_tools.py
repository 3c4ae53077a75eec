"""The page names every part of credit, keeps long names of arms whole, and shows what tools returned."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from hicra.report import charts, figures
from hicra.report.build import build_model
from hicra.report.figures import Curve, Panel
from hicra.report.model import Rollout
from hicra.report.pack import cut, entry
from hicra.report.report import render
from hicra.report.sections import credit_parts, parts_shown
from hicra.report.static_rollouts import pieces
from report_fakes import fake_run

LONG = "hicra(baseline=reinforce_pp_baseline, loss=cispo, then=forking_tokens+position_shaping)"


def credit(baseline: str, loss: str, *then: str) -> dict[str, object]:
    return {
        "baseline": {"name": baseline, "settings": {}},
        "method": {
            "name": "hicra",
            "settings": {"alpha": 0.2},
            "then": [{"name": one, "settings": {}} for one in then],
        },
        "loss": {"name": loss, "settings": {"clip_low": 0.1}},
    }


def test_the_runs_table_names_every_part(tmp_path: Path) -> None:
    runs = [
        fake_run(tmp_path / "a", "hicra", 0, 2, config=credit("rloo", "cispo", "sepa", "position_shaping")),
        fake_run(tmp_path / "b", "none", 0, 2),
    ]
    model = build_model(runs)
    told = {run.name: credit_parts(run) for run in model.runs}
    assert told["a"] == {
        "system": "", "preset": "", "baseline": "rloo", "method": "hicra(alpha=0.2) then sepa then position_shaping",
        "loss": "cispo(clip_low=0.1)",
    }  # fmt: skip
    assert told["b"] == {"system": "", "preset": "", "baseline": "", "method": "none", "loss": ""}
    assert parts_shown(model) == ["baseline", "method", "loss"]  # no run has a preset
    table = render(model).split('<section id="runs"')[1]
    assert "hicra(alpha=0.2) then sepa then position_shaping" in table
    assert ">preset<" not in table
    named = fake_run(tmp_path / "c", "hicra", 0, 2, config=credit("rloo", "clip") | {"preset": "rloo"})
    assert parts_shown(build_model([named])) == ["preset", "baseline", "method", "loss"]


def legend_rows(*names: str, kinds: tuple[str, ...] = ("",)) -> list[tuple[float, str]]:
    """(y, text) of the texts in the legend of a panel with these arms."""
    lines = tuple(
        Curve(arm, number, name, kind, (1.0,), (1.0,))
        for arm, name in enumerate(names)
        for number, kind in enumerate(kinds)
    )
    entries, _ = charts.legend(Panel("", "", (1.0,), lines))
    found = [re.fullmatch(r'<text x="[^"]*" y="([^"]*)"[^>]*>(.*)</text>', one) for one in entries]
    return [(float(one[1]), one[2]) for one in found if one]


def test_long_names_of_arms_are_whole_in_legends_and_overlap_nothing() -> None:
    for kinds in (("",), ("planning", "execution")):
        rows = legend_rows("none", LONG, LONG.replace("cispo", "gspo"), kinds=kinds)
        told = " ".join(text for _, text in rows if text not in kinds)
        assert "none" in told
        assert LONG in told
        assert LONG.replace("cispo", "gspo") in told
        assert max(len(text) for _, text in rows) * 6.3 <= charts.WIDTH
        names = [y for y, text in rows if "=" in text]
        assert len(set(names)) == len(names)  # each part of a long name has a row of its own


def test_a_name_without_an_end_is_cut_and_says_so() -> None:
    rows = legend_rows("none", "x" * 1000)
    assert len(rows) == 5  # none, and four rows
    assert rows[-1][1].endswith("…")


def test_every_row_of_a_legend_begins_at_the_left() -> None:
    lines = tuple(Curve(arm, 0, name, "", (1.0,), (1.0,)) for arm, name in enumerate(("none", LONG, LONG + "x")))
    entries, rows = charts.legend(Panel("", "", (1.0,), lines))
    assert rows == 5  # one, and two for each long name
    assert sum('d="M1 ' in one for one in entries) == 3


def test_short_names_stay_in_one_row() -> None:
    assert len({y for y, _ in legend_rows("none", "hicra")}) == 1


def rollout(**more: object) -> Rollout:
    base = {
        "run": 0, "arm": 0, "step": 1, "id": "1", "group": "", "prompt": "", "response": "let me see 17 ok", "reward": None,
        "correct": None, "before": None,
    }  # fmt: skip
    return Rollout(**(base | more))  # type: ignore[arg-type]


def test_answers_of_tools_stand_where_they_came() -> None:
    made = rollout(spans=((0, 10, "let me see"),), tools=((6, "in a span"), (10, "behind it"), (16, "at the end")))
    assert pieces(made) == [
        {"text": "let me", "gram": "let me see"}, {"tool": "in a span"}, {"text": " see", "gram": "let me see"},
        {"tool": "behind it"}, {"text": " 17 ok", "gram": None}, {"tool": "at the end"},
    ]  # fmt: skip
    assert entry(made, made, {"let me see": 0}, {}, None)["tools"] == [
        [6, "in a span"],
        [10, "behind it"],
        [16, "at the end"],
    ]


def test_places_are_in_utf16_and_long_answers_are_cut() -> None:
    made = rollout(response="\U0001f600 ok", tools=((2, "y" * 50),))
    short = cut(made, 20)
    assert short.tools == ((2, "y" * 19 + "…"),)
    assert entry(short, made, {}, {}, None)["tools"] == [[3, "y" * 19 + "…"]]
    assert cut(rollout(tools=((16, "late"),)), 8).tools == ()


def test_a_page_shows_them_as_text_and_says_what_it_left_out(tmp_path: Path) -> None:
    run = fake_run(tmp_path / "run", "hicra", 0, 1, 4)
    [file] = (run / "rollouts").iterdir()
    told = [{"at": 3, "text": "<b>42</b>"}, {"at": 9999, "text": "outside"}]
    pl.read_parquet(file).with_columns(tool_outputs=pl.Series([told] * 4)).write_parquet(file)
    model = build_model([run])
    assert model.rollouts[0].tools == ((3, "<b>42</b>"),)
    assert "outputs of tools that stand outside the response are left out" in model.notes[0]
    page = render(model)
    assert '<span class="tool" title="what the tool returned">&lt;b&gt;42&lt;/b&gt;</span>' in page
    assert "<b>42" not in page


def test_words_are_words_in_the_summary_too(tmp_path: Path) -> None:
    model = build_model([fake_run(tmp_path / "run", config={"counts": "words"}, steps=2)])
    assert (
        figures.meaning_in("planning_share", figures.counted_in(model)) == "Share of the words that are planning words."
    )
