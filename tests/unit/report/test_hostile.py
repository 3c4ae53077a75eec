"""Text from runs never becomes markup: payloads in every field, escaped in HTML, in SVG and in the JSON block."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from hicra.report import build_report
from hicra.report.charts import rollout_figure
from hicra.report.encode import script_json
from hostile_run import PAYLOADS, hostile_run
from signal_fakes import hostile_result, signal_folder, signal_result


class Tags(HTMLParser):
    """Every start tag with its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("hostile")
    runs = [hostile_run(folder / "<svg onload=window.ran=1>", "none", 0), hostile_run(folder / "b", PAYLOADS[7], 1)]
    runs.append(signal_folder(folder / "<img src=x onerror=window.ran=1>", hostile_result(PAYLOADS)))
    out = folder / "r.html"
    given = [{"name": payload, **signal_result()} for payload in PAYLOADS]
    build_report(
        runs, out, extra={"signal": given, **{payload: {payload: [{payload: payload}]} for payload in PAYLOADS}}
    )
    return out.read_text(encoding="utf-8")


def test_at_least_forty() -> None:
    assert len(set(PAYLOADS)) >= 40


def test_no_tag_or_attribute_comes_from_text(page: str) -> None:
    tags = Tags()
    tags.feed(page)
    names = {tag for tag, _ in tags.found}
    assert names.isdisjoint(
        {"img", "iframe", "object", "embed", "base", "form", "video", "a:", "math", "textarea", "noscript"}
    )
    assert [tag for tag, _ in tags.found].count("script") == 2
    assert [tag for tag, _ in tags.found].count("h1") == 1
    assert [attrs for tag, attrs in tags.found if tag == "link"] == [{"rel": "icon", "href": "data:,"}]
    for _, attrs in tags.found:
        assert not any(name.startswith("on") or name in ("srcdoc", "style", "action", "src") for name in attrs)
        assert (attrs.get("href") or "#").startswith(("#", "data:,"))


def test_json_block_round_trips(page: str) -> None:
    block = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    assert block
    assert not re.search("[<>&\u2028\u2029]", block[1])
    data = json.loads(block[1])
    assert {row["response"] for row in data["rollouts"]} == {payload.replace("\0", "\ufffd") for payload in PAYLOADS}


def test_script_json_escapes() -> None:
    assert script_json({"x": "<&>\u2028", "y": float("nan"), "z": "\ud800"}) == (
        '{"x":"\\u003c\\u0026\\u003e\\u2028","y":null,"z":"\ufffd"}'
    )


@pytest.mark.parametrize("payload", PAYLOADS)
def test_rollout_figure_escapes(payload: str) -> None:
    tags = Tags()
    tags.feed(rollout_figure([payload, payload], [True, False], [0.5, 0.5], [0.6, 0.5]))
    assert {tag for tag, _ in tags.found} <= {"svg", "title", "desc", "rect", "g", "path", "text"}
