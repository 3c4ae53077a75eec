"""The table of options of TRL, from the tests that show each; make_reference.py writes it into docs/engines/trl.md.

`tests/support/trl_options.py` names an option, what becomes of it and the ids of its tests. The page is made from these, and a
test holds each id to a test that exists, so that the page promises nothing that no test shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from trl_options import CASES, OPTIONS

TESTS = Path(__file__).resolve().parents[1] / "tests"
TEST_ID = re.compile(r"(?P<file>[\w/]+\.py)::(?P<function>\w+)(?:\[(?P<case>.+)\])?")


def page() -> str:
    """Every option, one a row."""
    lines = ["| option | outcome | what was shown | by which test |", "| --- | --- | --- | --- |"]
    for one in OPTIONS:
        ids = "<br>".join(f"`{test}`" for test in one.tests)
        lines.append(f"| {one.name} | {one.outcome} | {one.shown} | {ids} |")
    return "\n".join([*lines, ""])


def unknown_ids() -> Iterator[str]:
    """Yields the ids of the table that name no test: its file, its function, or the text of its case is not there."""
    for test in (test for one in OPTIONS for test in one.tests):
        found = TEST_ID.fullmatch(test)
        file = TESTS / (found["file"] if "/" in found["file"] else f"engines/{found['file']}") if found else None
        if found is None or file is None or not file.is_file():
            yield test
            continue
        text = file.read_text(encoding="utf-8")
        case = found["case"]
        if f"\ndef {found['function']}(" not in text or not (case is None or case in CASES or f'"{case}"' in text):
            yield test
