"""Without verl the check says so, and imports nothing of it; versions are those that were tested."""

import pytest

from hicra import install
from hicra.engines.verl import check, registered, versions
from hicra.errors import EngineError


def test_an_absent_verl_is_said(monkeypatch):
    origin = {"url": "file:///src/hicra", "dir_info": {"editable": True}}
    monkeypatch.setattr(install, "_origin", lambda: origin)
    for module in (check, install):
        monkeypatch.setattr(module, "installed", lambda name: None)
    assert registered() == [{"what": "verl is not installed", "fix": "pip install -e '/src/hicra[verl]'"}]


def test_every_fix_is_a_command_for_where_hicra_came_from(monkeypatch):
    monkeypatch.setattr(install, "_origin", lambda: {"url": "file:///src/hicra", "dir_info": {}})
    for module in (check, install):
        monkeypatch.setattr(module, "installed", {"verl": "0.9.1", "trl": "1.16.0"}.get)
    monkeypatch.setattr(check, "entry_points", lambda group: [])
    monkeypatch.delenv("VERL_USE_EXTERNAL_PLUGINS", raising=False)
    assert [one["fix"] for one in registered()] == [
        "python3 -m venv .venv-verl && .venv-verl/bin/pip install '/src/hicra[verl]'",
        "pip install --force-reinstall --no-deps /src/hicra",
    ]


def test_whatever_stands_in_the_way_is_listed(monkeypatch):
    monkeypatch.setattr(check, "installed", {"verl": "0.10.0", "trl": "1.16.0"}.get)
    monkeypatch.setattr(check, "entry_points", lambda group: [])
    monkeypatch.setenv("VERL_USE_EXTERNAL_PLUGINS", "other")
    said = [one["what"] for one in registered()]
    assert [text.split()[0] for text in said] == ["trl", "verl", "VERL_USE_EXTERNAL_PLUGINS", "no"]
    assert "'other'" in said[2]
    monkeypatch.setenv("VERL_USE_EXTERNAL_PLUGINS", "other, hicra")
    assert len(registered()) == 3


def test_an_import_that_fails_is_said_with_its_reason(monkeypatch):
    def load():
        raise ImportError("no module named tensordict")

    point = type("Point", (), {"name": "hicra", "load": staticmethod(load)})
    monkeypatch.setattr(check, "installed", {"verl": "0.9.1"}.get)
    monkeypatch.setattr(check, "entry_points", lambda group: [point])
    monkeypatch.delenv("VERL_USE_EXTERNAL_PLUGINS", raising=False)
    (found,) = registered()
    assert found["what"] == "the plug-in cannot be imported: ImportError: no module named tensordict"


@pytest.mark.parametrize("version", [None, "0.9.0", "0.10.0"])
def test_a_version_that_was_not_tested_is_refused(monkeypatch, version):
    monkeypatch.setattr(versions, "installed", lambda name: version)
    with pytest.raises(EngineError, match="work with verl 0.9.1"):
        versions.refuse_unknown()
    monkeypatch.setattr(versions, "installed", lambda name: "0.9.1")
    versions.refuse_unknown()
