"""From a dump to a page by the two commands of a newcomer, and what must hold of every such page."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

from verb_calls import call

DUMPS = Path(__file__).parent / "dumps"
_TAG = re.compile(r"<[^>]+>")


@dataclass(frozen=True)
class Reported:
    """What the two commands gave: the object that `hicra diagnose` printed, and the page."""

    diagnosis: dict[str, Any]
    html: str

    @property
    def rows(self) -> dict[int, int]:
        """The number of rollouts of each step."""
        return {one["step"]: one["rows"] for one in self.diagnosis["steps"]}

    def metric(self, name: str) -> list[Any]:
        """The values of a metric, step by step."""
        return [one[f"hicra/{name}"] for one in self.diagnosis["steps"]]

    @property
    def rollouts(self) -> list[dict[str, Any]]:
        """The rollouts that the page holds, each with the text of its prompt."""
        found = re.search(r'<script type="application/json" id="data">(.*?)</script>', self.html, re.S)
        assert found is not None
        data = json.loads(found[1])
        return [row | {"prompt": data["prompts"][row["prompt"]]} for row in data["rollouts"]]

    def section(self, name: str) -> str:
        """The text of a section of the page."""
        found = re.search(rf'<section id="{name}".*?</section>', self.html, re.S)
        assert found is not None, name
        return " ".join(unescape(_TAG.sub(" ", found[0])).split())


def two_commands(dump: Path, work: Path, *options: str) -> Reported:
    """Runs `hicra diagnose DUMP -o run` and `hicra report run -o page.html`, and checks that each finding is on the page."""
    diagnosed = call("diagnose", dump, "-o", work / "run", *options)
    assert diagnosed.code == 0, diagnosed
    assert diagnosed.printed is not None
    built = call("report", work / "run", "-o", work / "page.html")
    assert built.code == 0, built
    made = Reported(diagnosed.printed, (work / "page.html").read_text(encoding="utf-8"))
    findings, page = made.section("findings"), made.diagnosis
    told = [one["name"] for kind in ("findings", "not_seen", "unlooked") for one in page[kind]]
    assert len(set(told)) >= 12, told
    for one in page["findings"]:
        assert " ".join(one["text"].split()) in findings, one["name"]
    for one in page["unlooked"]:
        assert one["why"] in findings, one["name"]
    assert "Traceback" not in diagnosed.err + built.err
    return made
