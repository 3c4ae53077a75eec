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
    assert "reaches beyond -1 or 1" in page  # that of the direction, .91 to 1.02
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
    expected = {"9\u00a0%", "5\u00a0% to 16\u00a0%", "9.0e\u221207", "8.0e\u221205", "0.011", "0.52", "0.445 to 0.595", "0.045",
                "0.02 to 0.07", "0.98", "0.91 to 1.02", "77", "\u22121.0e\u221207 to 3.0e\u221206",
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
    with pytest.raises(ArtifactError, match="schema_version 9"):
        page_of(tmp_path, signal_folder(tmp_path / "newer", schema_version=9))


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
    # after two steps (1 - .5) / (4 + 0) = .125, though the shares of the steps are .25 and below 0
    assert running_share([(5, 1.0, 3.0), (10, -0.5, 0.5)]) == {5: 0.25, 10: 0.125}
    points = [(step, 1.0 if step > WINDOW else 0.0, 0.0 if step > WINDOW else 1.0) for step in range(1, 2 * WINDOW + 1)]
    found = running_share(points)
    assert found[WINDOW] == 0.0
    assert found[WINDOW + 5] == pytest.approx(5 / WINDOW)  # the window holds 5 steps of either kind
    assert found[2 * WINDOW] == 1.0


def test_the_curve_has_the_measured_steps_alone(tmp_path: Path) -> None:
    from hicra.report.build import build_model

    path = curve_run(tmp_path / "run", {5: (1.0, 3.0), 10: (-0.5, 0.5), 15: (9.0, -1.0)})
    (figure,) = signal_curve(build_model([path]))
    (panel,) = figure.panels
    assert panel.x == (5.0, 10.0, 15.0)
    (line,) = panel.lines
    assert line.bold == (0.25, 0.125, pytest.approx(9.5 / 12))  # (1 - .5 + 9) / (4 + 0 + 8)
    assert line.faint == ((0.25, None, 1.0),)  # the second step has a sum of 0; the third 9 / 8, held at the edge
    page = page_of(tmp_path, path)
    assert 'id="figure-signal"' in page
    assert "points a0" in page


def test_runs_without_the_signal_have_no_such_figure(tmp_path: Path) -> None:
    page = page_of(tmp_path, curve_run(tmp_path / "run", {}))
    assert "figure-signal" not in page
    assert "Signal on planning tokens" not in page


def test_runs_that_measure_at_other_steps_share_the_axes(tmp_path: Path) -> None:
    from hicra.report.build import build_model

    paths = [
        curve_run(tmp_path / "a", {2: (1.0, 3.0), 4: (1.0, 3.0)}),
        curve_run(tmp_path / "b", {3: (3.0, 1.0)}, method="hicra"),
    ]
    (figure,) = signal_curve(build_model(paths))
    none, hicra = figure.panels[0].lines
    assert figure.panels[0].x == (2.0, 3.0, 4.0)
    assert none.bold == (0.25, 0.25, 0.25)  # it holds until the next step is measured
    assert hicra.bold == (None, 0.75, None)
