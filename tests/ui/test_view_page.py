"""The page that `hicra view` serves, in a real browser: it finds rollouts of any run, and runs no hostile text."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from chromium import CHROMIUM, Browser, until
from hicra.view.page import make_view
from hicra.view.server import Server
from hostile_run import PAYLOADS, hostile_findings, hostile_run
from report_fakes import fake_run

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
SAID = "document.querySelector('.rows .pager output').textContent"
PLACE = "[...document.querySelectorAll('.pager output')].at(-1).textContent"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("runs")
    runs = [fake_run(folder / method, method, 0, 8) for method in ("none", "hicra")]
    runs.append(hostile_run(folder / "<img src=x onerror=window.ran=1>", PAYLOADS[0], 0))
    with Server(make_view(runs)) as found:
        threading.Thread(target=found.serve_forever, args=(0.05,), daemon=True).start()
        yield found
        found.shutdown()


def ready(browser: Browser, expression: str) -> bool:
    return until(lambda: bool(browser.value(expression)), 40)


def test_search_turns_pages_and_shows_rollouts(browser: Browser, server: Server) -> None:
    browser.open(server.url)
    total = 2 * 8 * 16 + len(PAYLOADS)
    assert ready(
        browser,
        f"{SAID} === '1 to 10 of {total}' && {PLACE} === '1 of {total}' && !!document.querySelector('.response')",
    )
    browser.key("k")
    assert ready(browser, f"{PLACE} === '{total} of {total}'")
    assert ready(browser, "document.querySelector('.response').textContent.includes('second')")
    browser.value(
        "{ const e = document.getElementById('f-text'); e.value = 'FEATHERS 10'; e.dispatchEvent(new Event('input')); }"
    )
    assert ready(browser, f"/ of [0-9]+, of {total} in all$/.test({SAID})")
    assert ready(browser, "document.querySelector('.prompt').textContent.includes('feathers 10')")
    browser.key("c")
    assert ready(browser, "document.querySelectorAll('.pair article').length === 2")
    address = browser.value("location.href")
    assert "text=FEATHERS" in address
    assert {url.partition("?")[0] for url in browser.requests()} <= {
        server.url,
        f"{server.url}rollouts",
        f"{server.url}rollout",
        "data:,",
    }
    assert browser.complaints() == []
    browser.open(address)
    assert ready(browser, "document.querySelectorAll('.pair article').length === 2")


def test_hostile_text_does_not_run(browser: Browser, server: Server) -> None:
    browser.open(server.url)
    assert ready(browser, f"{SAID} !== ''")
    browser.value("{ const e = document.getElementById('f-arm'); e.value = '2'; e.dispatchEvent(new Event('input')); }")
    assert ready(browser, f"{SAID}.startsWith('1 to 10 of {len(PAYLOADS)}')")
    for number in range(2, len(PAYLOADS) + 1):
        browser.key("j")
        assert ready(browser, f"{PLACE} === '{number} of {len(PAYLOADS)}'")
        browser.value(
            "document.querySelectorAll('.tok').forEach(e => e.dispatchEvent(new PointerEvent('pointerenter')))"
        )
    assert not until(lambda: browser.value("window.ran !== undefined"), 0.2)
    assert browser.complaints() == []
    assert browser.value("document.querySelectorAll('img, iframe, object, embed, base, form').length") == 0


def test_a_view_that_has_ended_is_said(browser: Browser, server: Server) -> None:
    with Server(server.view) as other:
        thread = threading.Thread(target=other.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        browser.open(other.url)
        assert ready(browser, "!!document.querySelector('.response')")
        other.shutdown()
    browser.value("{ const e = document.getElementById('f-arm'); e.value = '1'; e.dispatchEvent(new Event('input')); }")
    assert ready(
        browser, "(document.querySelector('[role=alert]') || {textContent: ''}).textContent.includes('does not answer')"
    )


def test_hostile_text_in_the_search_of_the_view_does_not_run(browser: Browser, tmp_path: Path) -> None:
    runs = [hostile_findings(tmp_path / "<img src=x onerror=window.ran=1>"), fake_run(tmp_path / "none", "none", 0, 2)]
    with Server(make_view(runs)) as served:
        threading.Thread(target=served.serve_forever, args=(0.05,), daemon=True).start()
        browser.open(served.url)
        assert ready(browser, f"{SAID}.endsWith('of {len(PAYLOADS) + 32}')")
        browser.value("document.querySelectorAll('details').forEach(e => { e.open = true; })")
        assert browser.value("document.querySelectorAll('#findings .alarm').length") >= 2
        for name in ("f-text", "f-gram"):
            for payload in PAYLOADS:
                browser.value(
                    f"{{ const e = document.getElementById('{name}'); e.value = {json.dumps(payload)}; "
                    "e.dispatchEvent(new Event('input')); }"
                )
            browser.value(
                f"{{ const e = document.getElementById('{name}'); e.value = ''; e.dispatchEvent(new Event('input')); }}"
            )
        assert ready(browser, f"{SAID}.endsWith('of {len(PAYLOADS) + 32}')")
        browser.value(f"{{ const e = document.getElementById('f-text'); e.value = {json.dumps(PAYLOADS[0])}; "
                      "e.dispatchEvent(new Event('input')); }")  # fmt: skip
        assert ready(
            browser, "(document.querySelector('.response') || {textContent: ''}).textContent.includes('<script>')"
        )
        assert ready(browser, "!!document.querySelector('ul.tree') && !!document.querySelector('ol.goals')")
        assert not until(lambda: browser.value("window.ran !== undefined"), 0.2)
        assert browser.complaints() == []
        assert {url.partition("?")[0].partition("#")[0] for url in browser.requests()} <= {
            served.url, f"{served.url}rollouts", f"{served.url}rollout", "data:,",
        }  # fmt: skip
        assert browser.value("document.querySelectorAll('img, iframe, object, embed, base, form').length") == 0
        served.shutdown()
