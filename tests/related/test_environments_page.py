"""The page of environments names each of them, with its settings and their defaults."""

from __future__ import annotations

import json
import re

import pytest

from hicra.errors import ConfigError
from hicra.related.environments.open import ENVIRONMENTS, open_environment
from paths import ROOT

pytestmark = pytest.mark.slow
SECTIONS = re.split(r"^## ", (ROOT / "docs/reference/environments.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
KNOWN = dict(ENVIRONMENTS)  # before a test adds one
ROW = re.compile(r"^\| `(\w+)` \| `(.*?)` \| ", re.MULTILINE)


def test_every_environment_has_a_section_and_a_row() -> None:
    assert [section.split("\n")[0] for section in SECTIONS[1:]] == [f"`{name}`" for name in KNOWN]
    assert re.findall(r"^\| \[`(\w+)`\]", SECTIONS[0], re.MULTILINE) == list(KNOWN)
    installs = re.findall(r"`'hicra\[(\w+)\]'`", SECTIONS[0])
    assert installs == [extra for _, extra in KNOWN.values() if extra]


@pytest.mark.parametrize("name", KNOWN)
def test_a_section_has_the_settings_with_their_defaults(name: str) -> None:
    try:
        _, settings = open_environment(name, {})
    except ConfigError as error:
        pytest.skip(error.message)
    section = next(one for one in SECTIONS if one.startswith(f"`{name}`"))
    said = {
        key: value if isinstance(settings.get(key), str) else json.loads(value) for key, value in ROW.findall(section)
    }
    assert said == {key: list(value) if isinstance(value, tuple) else value for key, value in settings.items()}
