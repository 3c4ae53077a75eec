"""What `hicra doctor` says of the engine `related` and of the packages that its environments need."""

from __future__ import annotations

import tomllib

import pytest

from hicra import install
from hicra.cli.doctor import _lines
from hicra.doctor import engines
from hicra.related.environments.open import ENVIRONMENTS
from paths import ROOT


@pytest.fixture
def installed_are(monkeypatch: pytest.MonkeyPatch):
    def of(**versions: str) -> None:
        for module in (engines, install):
            monkeypatch.setattr(
                module, "installed", {name.replace("_", "-"): one for name, one in versions.items()}.get
            )
        monkeypatch.setattr(install, "_origin", dict)

    return of


def test_every_extra_of_an_environment_is_looked_for_by_its_package() -> None:
    extras = {extra for _, extra in ENVIRONMENTS.values() if extra}
    assert set(engines.ENVIRONMENTS) == extras | {"classic"}  # whose learners play in no environment of the engine
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    for extra, (package, use) in engines.ENVIRONMENTS.items():
        assert asked[extra][0].startswith((f"{package}>", f"{package}="))
        for name in (name for name, (_, needs) in ENVIRONMENTS.items() if needs == extra):
            assert name in use.replace(",", "").split()


def test_what_is_installed_and_what_is_not_is_said_with_its_command(installed_are) -> None:
    installed_are(minigrid="3.2.1", reasoning_gym="0.1.25")
    found = engines.examine_environments()
    assert found["minigrid"] == {
        "version": "3.2.1", "note": "ready; for the environments minigrid and babyai of the engine related"
    }  # fmt: skip
    assert found["gym"]["version"] == "0.1.25"
    assert found["hcraft"] == {
        "version": None,
        "note": "not installed: pip install 'hicra[hcraft]'; for the environment hcraft of the engine related",
    }


def test_the_engine_says_what_it_needs(installed_are) -> None:
    installed_are(torch="2.13.0", transformers="5.20.0")
    assert engines._related()["note"].startswith("ready: hicra train --set engine=related")
    installed_are(torch="2.13.0")
    assert engines._related() == {"version": None, "note": "needs transformers: pip install 'hicra[train]'"}


def test_a_terminal_shows_them(installed_are) -> None:
    installed_are(textworld="1.7.0")
    result = {
        "tested": {}, "versions": {}, "engines": {"related": engines._related()}, "machine": {}, "tokenizer": None,
        "coverage": None, "notes": [], "problems": [], "environments": engines.examine_environments(),
    }  # fmt: skip
    lines = _lines(result)
    assert "engine related     needs torch and transformers: pip install 'hicra[train]'" in lines
    assert "extra textworld    ready; for the environment textworld of the engine related" in lines
