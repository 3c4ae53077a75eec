"""The report in a real browser: it asks for nothing, obeys the keyboard, fits narrow and wide, runs no hostile text.

Needs Chromium; talks to it over a pipe (DevTools protocol), so no further package and no port.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hicra.report import build_report
from hostile_run import PAYLOADS, hostile_run
from report_fakes import fake_run
from signal_fakes import hostile_result, signal_folder, signal_result

CHROMIUM = next(
    (path for name in ("/usr/bin/chromium", "chromium", "chromium-browser") if (path := shutil.which(name))), None
)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
]


class Browser:
    """One headless Chromium with one page."""

    def __init__(self, profile: Path) -> None:
        assert CHROMIUM
        to_read, self.to_write = os.pipe()
        self.from_read, from_write = os.pipe()
        command = [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        script = f'exec "$@" 3<&{to_read} 4>&{from_write}'
        self.process = subprocess.Popen(
            ["bash", "-c", script, "chromium", *command],
            pass_fds=(to_read, from_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(from_write)
        self.number, self.buffer, self.events, self.session = 0, b"", [], None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self.buffer:
            block = os.read(self.from_read, 1 << 20)
            if not block:
                raise RuntimeError("Chromium closed its pipe")
            self.buffer += block
        message, _, self.buffer = self.buffer.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to_write, json.dumps(message).encode() + b"\0")
        while (reply := self._receive()).get("id") != self.number:
            self.events.append(reply)
        assert "error" not in reply, reply
        result: dict[str, Any] = reply["result"]
        return result

    def open(self, url: str, width: int = 1400, height: int = 900) -> None:
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        for address in ("about:blank", url):  # by way of a blank page, so that equal addresses load again
            self.events = []
            self.call("Page.navigate", url=address)
            while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
                self.events.append(self._receive())

    def value(self, expression: str) -> Any:
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def key(self, key: str) -> None:
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key)

    def named(self, method: str) -> list[dict[str, Any]]:
        return [event["params"] for event in self.events if event.get("method") == method]

    def complaints(self) -> list[str]:
        """Errors and policy violations of the page."""
        logs = [entry["entry"]["text"] for entry in self.named("Log.entryAdded")]
        return logs + [str(entry) for entry in self.named("Runtime.exceptionThrown")]

    def requests(self) -> list[str]:
        return [entry["request"]["url"] for entry in self.named("Network.requestWillBeSent")]

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(20)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    found = Browser(tmp_path_factory.mktemp("profile"))
    yield found
    found.close()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("runs")
    runs = [fake_run(folder / f"{method}-{seed}", method, seed, 12) for method in ("none", "hicra") for seed in (0, 1)]
    out = folder / "report.html"
    build_report(runs, out, extra={"next": ["hicra compare"], "evaluation": [{"arm": "none", "accuracy": 0.5}]})
    return out.as_uri()


def until(test: Callable[[], bool], seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if test():
            return True
        time.sleep(0.05)
    return False


def test_loads_without_complaint_and_asks_for_nothing(browser: Browser, page: str) -> None:
    browser.open(page)
    assert browser.complaints() == []
    assert {url for url in browser.requests() if not url.startswith("data:")} == {page}
    assert browser.value("document.querySelectorAll('h1').length") == 1
    assert browser.value("document.querySelectorAll('.list button').length") == 200
    assert browser.value("document.querySelectorAll('#viewer mark').length") > 0
    assert browser.value("document.querySelectorAll('svg.chart').length") >= 8


def test_keyboard(browser: Browser, page: str) -> None:
    browser.open(page)
    place = "document.querySelector('.pager output').textContent"
    assert browser.value(place).startswith("1 of")
    browser.key("j")
    browser.key("ArrowRight")
    assert browser.value(place).startswith("3 of")
    browser.key("k")
    browser.key("ArrowLeft")
    assert browser.value(place).startswith("1 of")
    browser.key("c")
    assert browser.value("document.querySelectorAll('.pair article').length") == 2
    prompts = browser.value("[...document.querySelectorAll('.pair .prompt')].map(e => e.textContent)")
    assert prompts[0] == prompts[1]
    assert browser.value("[...document.querySelectorAll('.pair h3 bdi')].map(e => e.textContent)")[::2] == [
        "none",
        "hicra",
    ]
    browser.value("document.querySelector('.response mark').focus({focusVisible: true})")
    assert browser.value("document.querySelector('.tip').hidden") is False
    assert "advantage" in browser.value("document.querySelector('.tip').textContent")


def test_filters(browser: Browser, page: str) -> None:
    browser.open(page)
    count = "document.querySelectorAll('.list button').length"
    everything = browser.value(count)
    pick = "const e = document.getElementById('{}'); e.value = '{}'; e.dispatchEvent(new Event('input'));"
    browser.value("{" + pick.format("f-arm", 1) + "}")
    assert browser.value(count) == everything / 2
    browser.value("{" + pick.format("f-correct", 1) + "}")
    right = browser.value(count)
    assert 0 < right < everything / 2
    assert browser.value("document.querySelectorAll('.list .no').length") == 0
    browser.value("{" + pick.format("f-from", 10) + "}")
    assert 0 < browser.value(count) < right
    browser.value("{" + pick.format("f-gram", "SCALE DROP") + "}")
    assert "scale drop" in browser.value("document.querySelector('.response').textContent")
    browser.value("{" + pick.format("f-gram", "no such gram") + "}")
    assert browser.value(count) == 0
    assert "No rollout" in browser.value("document.querySelector('.empty').textContent")


def test_colours_and_text_stay_whole(browser: Browser, page: str) -> None:
    browser.open(page)
    text = browser.value("document.querySelector('.response').textContent")
    source = browser.value("JSON.parse(document.getElementById('data').textContent).rollouts[0].response")
    assert text == source
    for name, look in (("advantage", ".up, .dn"), ("entropy", ".q"), ("labels", ".l0, .l2")):
        browser.value(f"document.querySelector('[name=colour][value={name}]').click()")
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
    shown = browser.value("document.querySelectorAll('.list button').length")
    assert shown == 2 * len(PAYLOADS)
    for colour in ("planning", "labels"):
        browser.value(f"document.querySelector('[name=colour][value={colour}]').click()")
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
