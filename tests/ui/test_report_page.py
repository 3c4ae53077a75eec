"""The report in a real browser: it asks for nothing, obeys the keyboard, fits narrow and wide, runs no hostile text."""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from urllib.parse import quote

import polars as pl
import pytest

from chromium import CHROMIUM, Browser, until
from hicra import Lexicon
from hicra.diagnose.diagnose import diagnose
from hicra.report import build_report
from hicra.runs import RunFolder
from hicra.tasks.images import kept_name
from hostile_run import PAYLOADS, hostile_findings, hostile_run
from report_fakes import fake_run
from signal_fakes import hostile_result, signal_folder, signal_result

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")


ROWS = "document.querySelectorAll('.rows tbody tr').length"
SAID = "document.querySelector('.rows .pager output').textContent"
PLACE = "[...document.querySelectorAll('.pager output')].at(-1).textContent"


def pick(browser: Browser, name: str, value: str | int) -> None:
    browser.value(
        f"{{ const e = document.getElementById('{name}'); e.value = '{value}'; e.dispatchEvent(new Event('input')); }}"
    )


def colour(browser: Browser, name: str) -> None:
    browser.value(
        f"{{ const e = document.getElementById('f-colour'); e.value = '{name}'; e.dispatchEvent(new Event('change')); }}"
    )


def found(browser: Browser) -> int:
    """The number of rollouts that match the filters, from "1 to 10 of 57, of 200 in all"."""
    return int(browser.value(SAID).split(" of ")[1].rstrip(","))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("runs")
    runs = [fake_run(folder / f"{method}-{seed}", method, seed, 12) for method in ("none", "hicra") for seed in (0, 1)]
    out = folder / "report.html"
    build_report(runs, out, extra={"next": ["hicra compare"], "evaluation": [{"arm": "none", "accuracy": 0.5}]})
    return out.as_uri()


def test_loads_without_complaint_and_asks_for_nothing(browser: Browser, page: str) -> None:
    browser.open(page)
    assert browser.complaints() == []
    assert {url for url in browser.requests() if not url.startswith("data:")} == {page}
    assert browser.value("document.querySelectorAll('h1').length") == 1
    assert browser.value(ROWS) == 10
    assert browser.value(SAID) == "1 to 10 of 200"
    assert browser.value("document.querySelectorAll('#viewer mark').length") > 0
    assert browser.value("document.querySelectorAll('svg.chart').length") >= 8


def test_opens_with_the_verdict_and_its_forest_plot(browser: Browser, page: str) -> None:
    browser.open(page)
    assert browser.value("document.querySelector('h1').textContent") == "HICRA against GRPO (none)"
    first = browser.value("document.querySelector('main section').id")
    assert first == "answer"
    assert "cannot be told" in browser.value("document.querySelector('.headlines').textContent")
    assert browser.value("document.querySelectorAll('#answer .forest svg').length") == 1


def test_keyboard(browser: Browser, page: str) -> None:
    browser.open(page)
    assert browser.value(PLACE) == "1 of 200"
    browser.key("j")
    browser.key("ArrowRight")
    assert browser.value(PLACE) == "3 of 200"
    browser.key("k")
    browser.key("ArrowLeft")
    assert browser.value(PLACE) == "1 of 200"
    browser.key("k")  # around the end, to the last page of the table
    assert (browser.value(PLACE), browser.value(SAID)) == ("200 of 200", "191 to 200 of 200")
    browser.key("j")
    browser.key("c")
    assert browser.value("document.querySelectorAll('.pair article').length") == 2
    prompts = browser.value("[...document.querySelectorAll('.pair .prompt')].map(e => e.textContent)")
    assert prompts[0] == prompts[1]
    arms = browser.value("[...document.querySelectorAll('.pair h3 span > bdi')].map(e => e.textContent)")
    assert arms == ["GRPO (none)", "HICRA"]
    browser.value("document.querySelector('.response mark').focus({focusVisible: true})")
    assert browser.value("document.querySelector('.tip').hidden") is False
    said = browser.value("document.querySelector('.tip').textContent")
    for word in ("advantage before", "advantage after", "entropy", "log-probability"):
        assert word in said
    browser.key("/")
    assert browser.value("document.activeElement.id") == "f-text"


def test_differences_of_two_arms_are_marked(browser: Browser, page: str) -> None:
    browser.open(page)
    browser.key("c")
    left, right = (
        browser.value(f"[...document.querySelectorAll('.pair article')][{side}].querySelector('.response').textContent")
        for side in (0, 1)
    )
    marked = browser.value(
        "[...document.querySelectorAll('.pair .differs')].map(e => e.textContent.trim()).filter(Boolean)"
    )
    assert left != right
    assert marked
    same = browser.value(
        "[...document.querySelectorAll('.pair article')].map(a => [...a.querySelectorAll('.tok:not(.differs)')]"
        ".map(e => e.textContent).join('').split(/\\s+/).filter(Boolean).join(' '))"
    )
    assert same[0] == same[1]  # what is left unmarked is the same words in the same order


def test_filters(browser: Browser, page: str) -> None:
    browser.open(page)
    everything = found(browser)
    pick(browser, "f-arm", 1)
    assert found(browser) == everything / 2
    pick(browser, "f-correct", 1)
    right = found(browser)
    assert 0 < right < everything / 2
    assert browser.value("document.querySelectorAll('.rows .no').length") == 0
    pick(browser, "f-from", 10)
    assert 0 < found(browser) < right
    pick(browser, "f-gram", "SCALE DROP")
    assert "scale drop" in browser.value("document.querySelector('.response').textContent")
    pick(browser, "f-gram", "no such gram")
    assert browser.value(ROWS) == 0
    assert "No rollout" in browser.value("document.querySelector('.empty').textContent")


def test_search_and_sort(browser: Browser, page: str) -> None:
    browser.open(page)
    pick(browser, "f-text", "FEATHERS 10")
    assert 0 < found(browser) < 200
    prompts = "[...document.querySelectorAll('.rows td.wide')].map(e => e.textContent)"
    assert all("feathers 10" in text for text in browser.value(prompts))
    pick(browser, "f-text", "")
    browser.value("document.querySelector('.rows [data-key=length] button').click()")
    column = "[...document.querySelectorAll('.rows thead th')].findIndex(e => e.dataset.key === 'length')"
    lengths = browser.value(
        f"[...document.querySelectorAll('.rows tbody tr')].map(r => Number(r.cells[{column}].textContent))"
    )
    assert lengths == sorted(lengths, reverse=True)
    assert browser.value("document.querySelector('.rows [data-key=length]').getAttribute('aria-sort')") == "descending"
    longest = browser.value(
        "Math.max(...JSON.parse(document.getElementById('data').textContent).rollouts.map(r => r.length))"
    )
    assert lengths[0] == longest


def test_the_address_leads_back(browser: Browser, page: str) -> None:
    browser.open(page)
    pick(browser, "f-correct", 0)
    pick(browser, "f-gram", "that fails")
    browser.key("j")
    browser.key("c")
    colour(browser, "entropy")
    what = (
        "[location.hash, document.querySelector('.pair').textContent, document.getElementById('f-gram').value, "
        + PLACE
        + "]"
    )
    before = browser.value(what)
    assert browser.value("document.querySelectorAll('.pair article.by-entropy').length") == 2
    browser.open(page + before[0])
    assert browser.value(what) == before


def test_a_long_table_says_how_many_rows_it_has(browser: Browser, page: str) -> None:
    browser.open(page)
    browser.value("document.querySelectorAll('details').forEach(e => { e.open = true; })")
    rows = "[...document.querySelectorAll('#figure-accuracy tbody tr')].filter(r => r.getBoundingClientRect().height > 0).length"
    below = "document.querySelector('#figure-accuracy .saves')"
    assert browser.value(rows) == 12  # as long as a table that is cut: its last two rows are not worth a button
    short = "[...document.querySelectorAll('#curves .saves')].filter(e => / of /.test(e.textContent)).map(e => e.textContent)"
    assert browser.value(short) == []
    assert "save" in browser.value(f"{below}.textContent")


def test_saves_a_chart_and_its_data(browser: Browser, page: str, tmp_path: Path) -> None:
    browser.open(page)
    browser.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    for button in (0, 1):
        browser.value(f"document.querySelectorAll('#figure-accuracy .saves button')[{button}].click()")
    drawn, table = tmp_path / "hicra-accuracy.svg", tmp_path / "hicra-accuracy.csv"
    assert until(lambda: drawn.exists() and table.exists())
    root = ElementTree.fromstring(drawn.read_text(encoding="utf-8"))
    lines = [node for node in root.iter("{http://www.w3.org/2000/svg}path") if node.get("stroke-width") == "2.4px"]
    assert len(lines) >= 2
    assert lines[0].get("stroke", "").startswith("rgb(")
    rows = table.read_text(encoding="utf-8").splitlines()
    assert rows[0] == "step,GRPO (none),HICRA"
    assert len(rows) == 13
    assert all(0 <= float(value) <= 1 for row in rows[1:] for value in row.split(",")[1:])  # 40 % is 0.4


def test_every_figure_has_its_data_and_can_be_saved(browser: Browser, page: str, signal_page: str) -> None:
    lacking = """[...document.querySelectorAll('figure')].filter(e => {
      const said = [...e.querySelectorAll('.saves button')].map(b => b.textContent);
      return e.querySelectorAll('table').length !== 1 || !e.querySelector('tbody tr') || !said.includes('save SVG')
        || !said.includes('save CSV');
    }).map(e => e.id || e.className)"""
    for address, least in ((page, 10), (signal_page, 3)):
        browser.open(address)
        assert browser.value("document.querySelectorAll('figure').length") >= least
        assert browser.value(lacking) == []


def test_saves_the_tokens_of_a_rollout(browser: Browser, page: str, tmp_path: Path) -> None:
    browser.open(page)
    browser.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    browser.value("document.querySelector('.rollout .saves button').click()")
    assert until(lambda: bool(list(tmp_path.glob("hicra-tokens-*.csv"))))
    rows = list(csv.DictReader(next(tmp_path.glob("*.csv")).open(encoding="utf-8", newline="")))
    tokens = browser.value("document.querySelector('.response').textContent")
    assert "".join(row["token"].removeprefix("'") for row in rows) == tokens
    assert {row["kind"] for row in rows} == {"planning", "execution"}
    before = browser.value("JSON.parse(document.getElementById('data').textContent).rollouts[0].before")
    assert {float(row["advantage_before"]) for row in rows} == {before}
    assert all(float(row["entropy"]) >= 0 for row in rows)


def test_the_ends_of_a_band_stand_behind_the_value(browser: Browser, tmp_path: Path) -> None:
    runs = [fake_run(tmp_path / f"none-{seed}", "none", seed, 3, rollouts=False) for seed in range(3)]
    build_report(runs, tmp_path / "r.html")
    browser.open((tmp_path / "r.html").as_uri())
    assert browser.value("document.querySelectorAll('#figure-accuracy .band').length") == 1
    browser.value(
        "{ const s = document.querySelector('#figure-accuracy svg'), b = s.getBoundingClientRect();"
        "s.dispatchEvent(new PointerEvent('pointermove', {clientX: b.left + b.width / 2, clientY: b.top + 40})); }"
    )
    said = browser.value("document.querySelector('.tip').textContent")
    assert re.fullmatch(r"step 2accuracy [\d.]+\u00a0% \([\d.]+\u00a0% to [\d.]+\u00a0%\)", said)


def test_images_are_shown_beside_the_text(browser: Browser, tmp_path: Path) -> None:
    images = pytest.importorskip("PIL.Image", reason="the extra `vision` is not installed")
    drawn = io.BytesIO()
    images.new("RGB", (900, 300), (10, 120, 200)).save(drawn, format="PNG")
    name = kept_name(drawn.getvalue())
    run = RunFolder.create(tmp_path / "run", method="observed", seed=0, config={})
    row = {"step": 1, "prompt": "Which?", "response": "B", "images": [name, "images/<img src=x onerror=window.ran=1>"]}
    run.write_rollouts(1, pl.DataFrame([row]))
    (run.path / name).parent.mkdir()
    (run.path / name).write_bytes(drawn.getvalue())
    build_report([run.path], tmp_path / "r.html")
    browser.open((tmp_path / "r.html").as_uri(), 400)
    shown = "[...document.querySelectorAll('.pictures img')].map(e => [e.naturalWidth, e.naturalHeight, e.alt])"
    assert until(lambda: browser.value(shown) == [[640, 213, "image 1 of the prompt, 900 by 300 pixels"]])
    assert "Image 2 is not shown" in browser.value("document.querySelector('.pictures .note').textContent")
    browser.value("document.querySelector('.picture').click()")
    assert browser.value("document.querySelector('.picture').getAttribute('aria-pressed')") == "true"
    assert browser.value("document.documentElement.scrollWidth") <= 400
    assert browser.complaints() == []


def test_colours_and_text_stay_whole(browser: Browser, page: str) -> None:
    browser.open(page)
    text = browser.value("document.querySelector('.response').textContent")
    source = browser.value("JSON.parse(document.getElementById('data').textContent).rollouts[0].response")
    assert text == source
    looks = {
        "advantage": ".up, .dn",
        "entropy": ".q",
        "logprob": ".q",
        "cluster": ".l0, .l1, .l2, .l3, .l4, .l5",
        "labels": ".l0, .l2",
    }
    for name, look in looks.items():
        colour(browser, name)
        assert browser.value(f"document.querySelectorAll('.response :is({look})').length") > 0
        assert browser.value("document.querySelector('.response').textContent") == source


@pytest.mark.parametrize("width", [400, 1600])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_fits_and_follows_the_scheme(browser: Browser, page: str, width: int, scheme: str) -> None:
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.open(page, width)
    assert browser.value("document.documentElement.scrollWidth") <= width
    red = int(browser.value("getComputedStyle(document.body).backgroundColor").split("(")[1].split(",")[0])
    assert (red > 200) == (scheme == "light")
    browser.call("Emulation.setEmulatedMedia", features=[])


@pytest.fixture(scope="module")
def signal_page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("signal")
    measured = [
        signal_folder(folder / "weak start"),
        signal_folder(folder / ("a long name " * 9), signal_result(0.99, (0.8, 1.3))),
    ]
    build_report(measured, folder / "report.html")
    return (folder / "report.html").as_uri()


OUTSIDE = """[...document.querySelectorAll('#signal svg text')].filter(e => {
  const r = e.getBBox(), v = e.ownerSVGElement.viewBox.baseVal;
  return r.x < -1 || r.x + r.width > v.width + 1 || r.y < -1 || r.y + r.height > v.height + 1;
}).map(e => e.textContent)"""
OVER_EACH_OTHER = """[...document.querySelectorAll('#signal svg')].flatMap(svg => {
  const all = [...svg.querySelectorAll('text')].map(e => [e.textContent, e.getBBox()]);
  return all.flatMap(([a, r], i) => all.slice(i + 1).filter(([, s]) => r.x < s.x + s.width - 1 && s.x < r.x + r.width - 1
    && r.y < s.y + s.height - 3 && s.y < r.y + r.height - 3).map(([b]) => a + ' / ' + b));
})"""


@pytest.mark.parametrize("width", [360, 800, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_of_measured_signal_fits_and_asks_for_nothing(
    browser: Browser, signal_page: str, width: int, scheme: str
) -> None:
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.open(signal_page, width)
    assert browser.complaints() == []
    assert {url for url in browser.requests() if not url.startswith("data:")} == {signal_page}
    assert browser.value("document.querySelectorAll('h1').length") == 1
    assert browser.value("document.querySelectorAll('#signal svg.chart').length") == 3
    assert browser.value("document.documentElement.scrollWidth") <= width
    assert browser.value(OUTSIDE) == []
    assert browser.value(OVER_EACH_OTHER) == []
    browser.call("Emulation.setEmulatedMedia", features=[])


def test_prints(browser: Browser, page: str) -> None:
    browser.open(page)
    assert len(browser.call("Page.printToPDF")["data"]) > 10_000


def test_hostile_text_does_not_run(browser: Browser, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    build_report(
        [
            hostile_run(tmp_path / "<img src=x onerror=window.ran=1>", "none", 0),
            hostile_run(tmp_path / "b", PAYLOADS[0], 1),
            signal_folder(tmp_path / "<img src=y onerror=window.ran=1>", hostile_result(PAYLOADS)),
        ],
        out,
        extra={key: [{payload: payload} for payload in PAYLOADS] for key in ("lexicon", "evaluation", PAYLOADS[1])}
        | {"signal": [{"name": payload, **signal_result()} for payload in PAYLOADS]},
    )
    browser.open(out.as_uri())
    shown = found(browser)
    assert shown == 2 * len(PAYLOADS)
    browser.key("c")
    for name in ("planning", "labels"):
        colour(browser, name)
        for _ in range(shown):
            browser.key("j")
            browser.value(
                "document.querySelectorAll('.tok').forEach(e => e.dispatchEvent(new PointerEvent('pointerenter')))"
            )
    browser.value(
        "document.querySelectorAll('svg.chart').forEach(e => e.dispatchEvent(new PointerEvent('pointermove')))"
    )
    assert not until(lambda: browser.value("window.ran !== undefined"), 0.3)
    assert browser.complaints() == []
    assert {url for url in browser.requests() if not url.startswith("data:")} == {out.as_uri()}
    assert browser.value("document.querySelectorAll('h1').length") == 1
    assert (
        browser.value(
            "document.querySelectorAll('img, iframe, object, embed, link:not([rel=icon]), base, form').length"
        )
        == 0
    )
    assert browser.value("document.querySelectorAll('script').length") == 2


def nothing_ran(browser: Browser, url: str) -> None:
    """Asserts that no payload ran, asked for anything, or became an element of the page."""
    assert not until(lambda: browser.value("window.ran !== undefined"), 0.3)
    assert browser.complaints() == []
    asked = {one.partition("#")[0] for one in browser.requests() if not one.startswith("data:")}
    assert asked == {url}
    assert browser.value("document.querySelectorAll('h1').length") == 1
    loads = "img, iframe, object, embed, link:not([rel=icon]), base, form, video, math, textarea, style ~ style"
    assert browser.value(f"document.querySelectorAll('{loads}').length") == 0


def test_hostile_findings_trees_and_subgoals_do_not_run(browser: Browser, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    build_report(
        [hostile_findings(tmp_path / PAYLOADS[6].replace("/", "")), hostile_run(tmp_path / "b", "none", 0)], out
    )
    browser.open(out.as_uri())
    browser.value("document.querySelectorAll('details').forEach(e => { e.open = true; })")
    findings = browser.value("document.getElementById('findings').textContent")
    assert browser.value("document.querySelectorAll('#findings .alarm').length") >= 2
    assert "Rollouts that show it" in findings
    assert "Go on with" in findings
    assert "Could not be looked for" in findings
    for payload in PAYLOADS:  # the words of the judge, as they stand
        if payload.isprintable():
            assert payload in findings
    shown = found(browser)
    assert shown == 2 * len(PAYLOADS)
    browser.key("c")
    trees = 0
    for _ in range(shown):
        browser.key("j")
        trees += browser.value("document.querySelectorAll('ul.tree, ol.goals').length")
        browser.value(
            "document.querySelectorAll('.tree *, .goals *, .tok, mark').forEach(e => "
            "e.dispatchEvent(new PointerEvent('pointerenter', {bubbles: true})))"
        )
    assert trees >= len(PAYLOADS)
    nothing_ran(browser, out.as_uri())


def test_hostile_text_in_the_search_and_in_the_address_does_not_run(browser: Browser, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    build_report([hostile_run(tmp_path / "a", "none", 0), hostile_findings(tmp_path / "b")], out)
    browser.open(out.as_uri())
    for name in ("f-text", "f-gram"):
        for payload in PAYLOADS:
            browser.value(
                f"{{ const e = document.getElementById('{name}'); e.value = {json.dumps(payload)}; "
                "e.dispatchEvent(new Event('input')); }"
            )
    nothing_ran(browser, out.as_uri())
    for payload in PAYLOADS[::8]:
        kept = quote(payload, safe="")
        browser.open(
            f"{out.as_uri()}#rollout-1?text={kept}&gram={kept}&arm={kept}&colour={kept}&sort={kept}&page={kept}"
        )
        assert browser.value("window.ran") is None
        assert browser.complaints() == []
    nothing_ran(browser, out.as_uri())


@pytest.fixture(scope="module")
def paired_page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two runs that a column told apart and that were compared by question, without texts of the questions."""
    folder = tmp_path_factory.mktemp("paired")
    rows = [
        {"id": f"q{at}", "arm": arm, "response": f"we need to {at}", "correct": arm == "b" or at == 0}
        for arm in "ab"
        for at in range(12)
    ]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    lexicon = Lexicon.from_phrases(["we need to"])
    diagnose(
        [folder / "rows.jsonl"], lexicon, tokenizer=None, out=folder / "runs", on_bad="stop", max_bad=0.0, by="arm"
    )
    build_report([folder / "runs" / arm for arm in "ab"], folder / "r.html")
    return (folder / "r.html").as_uri()


def test_side_by_side_without_prompts_and_numbers_that_agree(browser: Browser, paired_page: str) -> None:
    browser.open(paired_page)
    assert browser.complaints() == []
    browser.key("j")
    browser.key("c")
    assert browser.value("document.querySelectorAll('.pair article').length") == 2
    ids = browser.value("[...document.querySelectorAll('.pair article h3 bdi.free')].map(e => e.textContent)")
    assert len(ids) == 2
    assert ids[0] == ids[1]
    assert browser.value("location.hash") == "#rollout-2?pair=1"
    assert browser.value(PLACE) == "2 of 24"
    browser.open(paired_page + "#rollout-12")
    assert browser.value(PLACE) == "12 of 24"
    browser.open(paired_page + "#rollout-0")
    assert browser.value(PLACE) == "1 of 24"


@pytest.mark.parametrize("width", [400, 1600])
def test_every_link_of_the_navigation_is_seen_whole(browser: Browser, paired_page: str, width: int) -> None:
    browser.open(paired_page, width)
    ends = browser.value("[...document.querySelectorAll('nav a')].map(e => e.getBoundingClientRect().right)")
    assert len(ends) > 4
    assert max(ends) <= width
    assert browser.value("getComputedStyle(document.querySelector('nav ul')).maskImage") == "none"
    assert browser.value("document.documentElement.scrollWidth") <= width


def test_no_number_of_a_table_is_broken(browser: Browser, tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "run", method="observed", seed=0, config={"counts": "words"})
    for step in (500, 1000):
        run.log(step, {"hicra/length": 12345.0, "hicra/accuracy": 0.5})
    build_report([run.path], tmp_path / "r.html")
    browser.open((tmp_path / "r.html").as_uri(), 400)
    browser.value("document.querySelectorAll('details').forEach(e => { e.open = true; })")
    heights = browser.value(
        "[...document.querySelectorAll('#figure-length tbody span')].map(e => [e.textContent, e.getClientRects().length])"
    )
    assert ["1\u202f000", 1] in heights
    assert all(lines == 1 for _, lines in heights)
