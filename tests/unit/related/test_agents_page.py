"""The page of agents names every setting of each agent, with its default."""

from __future__ import annotations

import json
import re

import pytest

from hicra.related.named import settings_class
from hicra.related.systems import SYSTEMS, loaded
from paths import ROOT

PAGE = (ROOT / "docs/methods/agents.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (?:`?(\w*)`?) ?\| (`.*?`) \| (.*?) \|", re.MULTILINE)


def listed() -> dict[str, dict[str, object]]:
    """Returns the settings of each system as the page has them; those of all systems are under "all"."""
    section = PAGE.split("\n## Settings\n")[1].split("\n## ")[0]
    found: dict[str, dict[str, object]] = {}
    system = ""
    for named, settings, defaults in ROW.findall(section):
        system = named or system
        of_it = found.setdefault(system, {})
        for setting, default in zip(settings.split(", "), defaults.replace("`", "").split(", "), strict=True):
            of_it[setting.strip("`")] = default if re.search("[a-z]{3}", default) else json.loads(default)
    return found


@pytest.mark.parametrize("name", ["grpo", "gigpo", "himac", "hiper"])
def test_the_page_has_each_setting_with_its_default(name: str) -> None:
    said = {**listed()["all"], **listed().get(name, {})}
    fields = settings_class(loaded(SYSTEMS[name], None, name)).model_fields
    for setting in [one for one in fields if one.startswith("planning_")]:  # in a table of their own
        assert f"| `{setting}` | `" in PAGE
    wanted = {key: field.default for key, field in fields.items() if not key.startswith("planning_")}
    wanted["group_size"] = "train.group_size"
    assert said == {key: json.dumps(value) if isinstance(value, bool) else value for key, value in wanted.items()}
