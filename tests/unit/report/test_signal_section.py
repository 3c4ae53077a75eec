"""Measured signal on the page: what it says in words, what stands first, what is refused, and what other verbs say of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from hicra.cli import main
from hicra.errors import ArtifactError
from hicra.findings.measured_signal import step_sentences
from hicra.report import build_report
from hicra.report.measured import measured
from hicra.report.report import MAX_BYTES
from hicra.report.signal import kind_sentence
from hicra.report.signal_curve import WINDOW, running_share, signal_curve
from hicra.runs import RunFolder
from hicra.runs.find import files_read, find_runs, passed_over
from report_fakes import fake_run
from signal_fakes import signal_folder, signal_result


def call(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[Any, Any, str]:
    with pytest.raises(SystemExit) as stop:
        main([*map(str, words), "--json", "-q"])
    out = capsys.readouterr()
    return stop.value.code, json.loads(out.out), out.err


def page_of(tmp_path: Path, *folders: Path, **more: Any) -> str:
    build_report(list(folders), tmp_path / "page.html", **more)
    return (tmp_path / "page.html").read_text(encoding="utf-8")


# ---- words
@pytest.mark.parametrize(("share", "ci", "said"), [
    (0.09, (0.05, 0.16), "9 of 10 parts of the signal lie on execution tokens (84 to 95\u00a0%)."),
    (0.99, (0.96, 1.02), "Nearly all of the signal lies on planning tokens (96 to 102\u00a0%)."),
    (0.55, (0.51, 0.59), "55\u00a0% of the signal lies on planning tokens (51 to 59\u00a0%)."),
    (0.6, (0.3, 0.9), "Which kind of token holds more of the signal cannot be told from 24 batches: "
     "the share of planning tokens is 60\u00a0% (30 to 90\u00a0%); about 77 batches of 256 rollouts would do, a "
     "rough guess that takes this share for the true one."),
    (1.07, (-0.79, 2.93), "Which kind of token holds more of the signal cannot be told from 24 batches: "
     "the share of planning tokens is 107\u00a0% (-79 to 293\u00a0%); about 77 batches of 256 rollouts would do, a "
     "rough guess that takes this share for the true one."),
    (1.07, (0.55, 1.59), "107\u00a0% of the signal lies on planning tokens (55 to 159\u00a0%)."),
    (0.4, (0.1, 0.5), "Which kind of token holds more of the signal cannot be told from 24 batches: "
     "the share of execution tokens is 60\u00a0% (50 to 90\u00a0%); about 77 batches of 256 rollouts would do, a "
     "rough guess that takes this share for the true one."),
])  # fmt: skip
def test_the_sentence_follows_the_interval(share: float, ci: tuple[float, float], said: str) -> None:
    assert kind_sentence(measured(signal_result(share, ci), "r", "weak")) == said


def test_an_unknown_share_and_an_unknown_interval_are_said() -> None:
    result = signal_result()
    result["kinds"]["execution"]["ci"] = None
    assert "is 91\u00a0% without an interval" in kind_sentence(measured(result, "r", "weak"))
    result["kinds"]["planning"]["share"] = result["kinds"]["execution"]["share"] = None
    assert "cannot be told" in kind_sentence(measured(result, "r", "weak"))


def test_the_page_says_what_the_terminal_says(tmp_path: Path) -> None:
    # hicra .02 to .07 and entropy_advantage .06 to .14 lie above 0, hicra@alpha=0.8 below it, the placebo on both sides
    page = page_of(tmp_path, signal_folder(tmp_path / "weak"))
    for said in step_sentences(signal_result()):
        assert said in page
    assert "entropy_advantage and hicra take a better step than none." in page
    assert '<li class="free">placebo@alpha=0.2@seed=3</li>' in page
    assert page.count("methods were compared with none at once") == 1  # for all measurements of the page
    assert "reaches beyond -1 or 1" not in page  # that of the direction, .91 to 1.02, hardly does
    assert "project" not in page


# ---- the page
def test_a_page_of_measurements_alone(tmp_path: Path) -> None:
    weak = signal_folder(tmp_path / "weak", signal_result(warnings=["48 batches would tell"]))
    strong = signal_folder(tmp_path / "strong", signal_result(0.99, (0.97, 1.01), accuracy=0.2))
    page = page_of(tmp_path, weak, strong)
    assert page.count("<h1") == 1
    assert "<title>Learning signal: weak, strong" in page
    assert len(re.findall("<svg ", page)) == 3  # the kinds of both, and the steps of each
    assert "9 of 10 parts" in page
    assert "Nearly all of the signal" in page
    assert "A better step is not yet a better run" in page
    assert "48 batches would tell" in page
    for absent in ('id="glance"', 'id="runs"', 'id="rollouts"', 'id="curves"', 'id="data"'):
        assert absent not in page
    assert "2 measurements of the signal" in page
    assert len(page.encode()) < MAX_BYTES / 10


def test_the_tables_have_every_figure(tmp_path: Path) -> None:
    page = page_of(tmp_path, signal_folder(tmp_path / "weak"))
    cells = set(re.findall(r'<span class="free">([^<]*)</span>', page))
    # planning: share .09, 5 to 16 %, signal 9e-7, noise 8e-5, snr .01125; hicra: cosine .52, .045 of .02 to .07; 24 x 256
    expected = {"9\u00a0%", "5\u00a0% to 16\u00a0%", "9e\u22127", "8e\u22125", "0.011", "0.52", "0.445 to 0.595", "0.045",
                "0.02 to 0.07", "0.98", "0.91 to 1.02", "77", "\u22121e\u22127 to 3e\u22126",
                "0.28", "24", "6144", "0.05", "118.2", "plan-execute-weak", "exact"}  # fmt: skip
    assert expected <= cells
    assert "&#34;parameters&#34;: &#34;all&#34;" in page  # the settings, folded


def test_a_mixed_page_opens_with_the_signal_and_keeps_the_rest(tmp_path: Path) -> None:
    run = fake_run(tmp_path / "run", "hicra", 0, 4)
    page = page_of(tmp_path, run, signal_folder(tmp_path / "weak"))
    assert 0 < page.index('<section id="signal"') < page.index('<section id="glance"')
    assert page.index('<a href="#signal">') < page.index('<a href="#glance">')
    assert 'id="rollouts"' in page
    assert "1 run folder and 1 measurement of the signal" in page
    assert "<h1><bdi>run</bdi></h1>" in page


def test_results_can_be_handed_over_and_stand_first(tmp_path: Path) -> None:
    run, weak = fake_run(tmp_path / "run", steps=2), signal_folder(tmp_path / "weak")
    given = [{"name": "strong start", **signal_result(0.99, (0.97, 1.01))}]
    page = page_of(tmp_path, run, weak, extra={"signal": given, "next": ["hicra signal"]})
    assert page.index("strong start") < page.index(">weak<")
    assert page.index('<section id="signal"') < page.index('<section id="glance"')
    assert "What to do next" in page
    assert 'id="glance"' not in page_of(tmp_path, extra={"signal": given})


def test_same_folders_same_bytes(tmp_path: Path) -> None:
    folder = signal_folder(tmp_path / "weak")
    assert page_of(tmp_path, folder) == page_of(tmp_path, folder)


# ---- what is refused
@pytest.mark.parametrize(("change", "said"), [
    (lambda r: r.pop("kinds"), "kinds is no object of objects"),
    (lambda r: r["kinds"].pop("execution"), "has no kinds.execution"),
    (lambda r: r["methods"].pop("none"), "has no methods.none"),
    (lambda r: r["kinds"]["planning"].update(share="much"), "kinds.planning: share is 'much', no number"),
    (lambda r: r["kinds"]["planning"].update(share=10**400), "no number"),
    (lambda r: r["methods"]["hicra"].update(difference_ci=[0.1]), "methods.hicra: difference_ci is no pair"),
    (lambda r: r.update(batches=True), "batches is 'True', no number"),
    (lambda r: r.update(warnings="x"), "warnings is no list"),
])  # fmt: skip
def test_a_damaged_result_is_refused_by_its_key(tmp_path: Path, change: Any, said: str) -> None:
    result = signal_result()
    change(result)
    folder = signal_folder(tmp_path / "weak", result)
    with pytest.raises(ArtifactError) as error:
        page_of(tmp_path, folder)
    assert said in str(error.value)
    assert "signal.json" in str(error.value)


def test_a_measurement_that_is_not_complete_is_refused(tmp_path: Path) -> None:
    folder = signal_folder(tmp_path / "weak")
    (folder / "signal.json").unlink()
    with pytest.raises(ArtifactError, match="not complete"):
        page_of(tmp_path, folder)
    begun_again = signal_folder(tmp_path / "more", complete=False)  # to more batches; its result is that of fewer
    with pytest.raises(ArtifactError, match="more is not complete: it was begun again"):
        page_of(tmp_path, begun_again)
    with pytest.raises(ArtifactError, match="schema_version 9"):
        page_of(tmp_path, signal_folder(tmp_path / "newer", schema_version=9))


def test_names_and_texts_of_any_length_leave_the_page_small(tmp_path: Path) -> None:
    long = "a" * 10**5
    result = signal_result(warnings=[long, None] + ["w" * 2000] * 1000, model=long, listed=[long] * 50, number=10**4000)
    for table, like in (("methods", "hicra"), ("kinds", "label:plan")):
        result[table] = result[table] | {long: result[table][like]}
    page = page_of(tmp_path, signal_folder(tmp_path / "weak", result, settings={"deep": {long: long}}))
    assert "a" * 121 in page  # a cell may hold more than a name
    assert len(page) < 250_000
    one = measured(signal_result(), "r", long)
    assert len(one.name) == 120
    build_report([], tmp_path / "given.html", extra={"signal": [signal_result(name=long)]})
    assert "a" * 121 not in (tmp_path / "given.html").read_text(encoding="utf-8")


def test_what_is_nested_without_end_is_cut(tmp_path: Path) -> None:
    nested: Any = []
    for _ in range(900):
        nested = [nested]
    page = page_of(tmp_path, signal_folder(tmp_path / "weak", settings={"deep": nested, "alpha": 0.25}))
    assert "0.25" in page


def test_a_warning_that_is_null_is_left_out() -> None:
    assert measured(signal_result(warnings=[None, "few batches", 1.5]), "r", "weak").warnings == ("few batches", "1.5")


@pytest.mark.parametrize(
    ("given", "said"), [({"kinds": {}}, "no list"), ([3], "no JSON object"), ([signal_result()], "name is")]
)
def test_a_result_that_is_handed_over_is_checked(tmp_path: Path, given: Any, said: str) -> None:
    with pytest.raises(ArtifactError, match=said):
        page_of(tmp_path, extra={"signal": given})


def test_numbers_that_are_not_finite_are_not_known(tmp_path: Path) -> None:
    folder = signal_folder(tmp_path / "weak")
    text = (folder / "signal.json").read_text(encoding="utf-8")
    (folder / "signal.json").write_text(text.replace('"bias_cosine": 0.98', '"bias_cosine": NaN'), encoding="utf-8")
    page = page_of(tmp_path, folder)
    assert "nan" not in re.sub("<script.*?</script>|<style.*?</style>", "", page, flags=re.S).lower()


# ---- other verbs
def test_a_measurement_is_no_run(tmp_path: Path) -> None:
    run, weak = fake_run(tmp_path / "all" / "run", steps=1), signal_folder(tmp_path / "all" / "weak")
    assert find_runs([tmp_path / "all"]) == ([run], [weak])
    assert find_runs([weak, run]) == ([run], [weak])
    assert passed_over([weak]) == [
        f"passed over, since it holds a measured signal and no run, which `hicra report` shows: {weak}"
    ]
    assert len(passed_over([weak, tmp_path])) == 2
    assert {file.name for file in files_read([weak])} == {"hicra.json", "signal.json"}


def test_report_takes_a_folder_of_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fake_run(tmp_path / "all" / "run", steps=1)
    signal_folder(tmp_path / "all" / "weak")
    code, found, err = call(capsys, "report", tmp_path / "all")
    assert code == 0, err
    assert "passed over" not in err
    assert 'id="signal"' in Path(found["report"]).read_text(encoding="utf-8")
    code, found, err = call(capsys, "report", tmp_path / "all" / "weak")
    assert code == 0, err
    assert found["report"] == str(tmp_path / "all" / "weak" / "report.html")


def test_compare_passes_over_a_measurement_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weak = signal_folder(tmp_path / "weak")
    runs = [fake_run(tmp_path / f"{method}{seed}", method, seed, 2) for method in ("none", "hicra") for seed in (0, 1)]
    code, found, err = call(capsys, "compare", *runs, weak)
    assert code == 0, err
    assert [said for said in found["warnings"] if "measured signal" in said and str(weak) in said]
    code, found, _ = call(capsys, "compare", weak)
    assert code == 1
    assert "nothing to compare" in found["error"]
    assert f"hicra report {weak}" in found["fix"]


def test_diagnose_says_what_the_folder_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weak = signal_folder(tmp_path / "weak")
    code, found, _ = call(capsys, "diagnose", weak)
    assert code == 1
    assert "measured signal and no rollouts" in found["error"]
    assert "hicra report" in found["fix"]


# ---- the curve of a training run
def curve_run(path: Path, signals: dict[int, tuple[float, float]], steps: int = 20, method: str = "none") -> Path:
    folder = RunFolder.create(path, method=method, seed=0, config={})
    for step in range(1, steps + 1):
        planning, execution = signals.get(step, (None, None))
        folder.log(
            step, {"hicra/accuracy": 0.5, "hicra/signal_planning": planning, "hicra/signal_execution": execution}
        )
    return path


def test_the_running_share_is_that_of_sums() -> None:
    # eight steps of (1, 3) and one of (-.5, .5) are too few; one more of (1, 3) makes (9 - .5) / (36 + 0)
    points = [(step, 1.0, 3.0) for step in range(1, 9)] + [(9, -0.5, 0.5)]
    assert set(running_share(points).values()) == {None}
    assert running_share([*points, (12, 1.0, 3.0)])[12] == pytest.approx(8.5 / 36)
    points = [(step, 1.0 if step > WINDOW else 0.0, 0.0 if step > WINDOW else 1.0) for step in range(1, 2 * WINDOW + 1)]
    found = running_share(points)
    assert found[WINDOW - 1] is None
    assert found[WINDOW] == 0.0
    assert found[WINDOW + 5] == pytest.approx(5 / WINDOW)  # the window holds 5 steps of either kind
    assert found[2 * WINDOW] == 1.0
    assert running_share([(step, -2.0, -3.0) for step in range(WINDOW)])[WINDOW - 1] is None


def figure_of(*paths: Path) -> Any:
    from hicra.report.build import build_model

    (figure,) = signal_curve(build_model(list(paths)))
    return figure


def test_few_measured_steps_have_points_and_no_line(tmp_path: Path) -> None:
    path = curve_run(tmp_path / "run", {5: (1.0, 3.0), 10: (-0.5, 0.5), 15: (9.0, -1.0)})
    figure = figure_of(path)
    (panel,) = figure.panels
    assert panel.x == (5.0, 10.0, 15.0)
    (line,) = panel.lines
    assert line.bold == (None, None, None)
    assert line.faint == ((0.25, None, 9 / 8),)  # the second step has a sum of 0
    assert figure.notes[1] == (
        "Measured steps of a run: 3. A line takes 7 more. In 1 measured step both kinds together show no signal, so there is no "
        "point."
    )
    page = page_of(tmp_path, path)
    assert 'id="figure-signal"' in page
    assert "points a0" in page
    assert page.count('class="beyond a0"') == 1  # 9 / 8, at the edge
    assert "112.5" in page  # and in figures in the table


def test_a_line_begins_where_enough_steps_stand_behind_it(tmp_path: Path) -> None:
    path = curve_run(tmp_path / "run", dict.fromkeys(range(1, 13), (1.0, 3.0)))
    figure = figure_of(path)
    assert figure.panels[0].lines[0].bold == (None,) * (WINDOW - 1) + (0.25,) * 3
    assert figure.notes[1] == "Measured steps of a run: 12."


def test_a_negative_planning_signal_is_no_line_at_the_edge(tmp_path: Path) -> None:
    few = dict.fromkeys((1, 2, 3, 4), (3.0, -1.0))  # 3 / 2 of the signal
    page = page_of(tmp_path, curve_run(tmp_path / "run", few))
    figure = page[page.index('id="figure-signal"') :]
    assert 'class="bold a0 k0" d=""' in figure[: figure.index("</svg>")]
    assert figure.count('class="beyond a0"') == 4


def test_steps_without_any_signal_are_said(tmp_path: Path) -> None:
    page = page_of(tmp_path, curve_run(tmp_path / "run", {1: (-1.0, -1.0)}))
    assert "In 1 measured step both kinds together show no signal" in page
    page = page_of(tmp_path, curve_run(tmp_path / "two", {2: (0.0, 0.0), 4: (-1.0, -2.0)}))
    assert "In 2 measured steps both kinds together show no signal" in page


def test_runs_without_the_signal_have_no_such_figure(tmp_path: Path) -> None:
    page = page_of(tmp_path, curve_run(tmp_path / "run", {}))
    assert "figure-signal" not in page
    assert "Signal on planning tokens" not in page


def test_runs_that_measure_at_other_steps_share_the_axes(tmp_path: Path) -> None:
    figure = figure_of(
        curve_run(tmp_path / "a", {2 * at: (1.0, 3.0) for at in range(1, 13)}, 24),
        curve_run(tmp_path / "b", {3: (3.0, 1.0)}, 24, method="hicra"),
    )
    none, hicra = figure.panels[0].lines
    assert figure.panels[0].x == (2.0, 3.0, *(float(step) for step in range(4, 25, 2)))
    assert none.bold == (None,) * 10 + (0.25,) * 3
    assert hicra.mean == (None, 0.75, *(None,) * 11)
    assert (
        figure.notes[1] == "Measured steps of a run: 1 to 12 (2 runs). 1 of the runs has no line: a line takes 9 more."
    )
