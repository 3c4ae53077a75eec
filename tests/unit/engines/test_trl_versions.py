"""Which versions of TRL are taken; another one is refused by name before anything of it is imported."""

import sys
import tomllib

import pytest

import hicra.engines.trl
from hicra.doctor import examine
from hicra.engines.open import open_engine
from hicra.engines.trl import versions
from hicra.errors import EngineError
from paths import ROOT


@pytest.mark.parametrize(
    ("version", "known"),
    [
        ("1.8.0", True), ("1.8", True), ("1.9.2", True), ("1.12.0", True), ("1.16.0", True), ("1.16.10", True),
        ("1.14.2", True), ("1.15.0", False), ("1.7.9", False), ("1.17.0", False), ("1.80.0", False),
        ("0.12.0", False), ("2.8.0", False), ("1.16.0.dev0", False),
        ("1.16.0rc1", False), ("unknown", False), ("", False),
    ],
)  # fmt: skip
def test_the_versions(version, known):
    assert versions.is_known(version) is known


@pytest.fixture
def trl_is(monkeypatch):
    def of(version):
        for place in ("hicra.engines.trl.versions", "hicra.doctor.engines"):
            real = __import__(place, fromlist=["installed"]).installed
            monkeypatch.setattr(f"{place}.installed", lambda name, real=real: version if name == "trl" else real(name))

    return of


@pytest.mark.parametrize("version", ["1.7.0", "1.15.0", "1.17.0", "0.29.1"])
def test_another_version_is_refused_by_name(trl_is, monkeypatch, version):
    trl_is(version)
    monkeypatch.delitem(sys.modules, "hicra.engines.trl.run", raising=False)
    own = [lambda name=name: getattr(hicra.engines.trl, name) for name in hicra.engines.trl.__all__]
    for ask in (*own, lambda: open_engine("trl")):
        with pytest.raises(
            EngineError, match=f"trl {version} is installed, but hicra works with TRL 1.8 to 1.14 and 1.16"
        ) as error:
            ask()
        assert error.value.fix == "pip install 'trl>=1.8,!=1.15.*,<1.17'"


def test_without_trl_the_extra_is_named(trl_is, monkeypatch):
    trl_is(None)
    monkeypatch.setattr("hicra.install._origin", lambda: {"url": "file:///src/hicra", "dir_info": {}})
    monkeypatch.delitem(sys.modules, "hicra.engines.trl.run", raising=False)
    for ask in (lambda: hicra.engines.trl.HicraGRPOConfig, lambda: open_engine("trl")):
        with pytest.raises(EngineError, match="needs trl, which is not installed") as error:
            ask()
        assert error.value.fix == "pip install '/src/hicra[train]'"
    note = "not installed: pip install '/src/hicra[train]'"
    assert examine()["engines"]["trl"] == {"version": None, "note": note}


def test_doctor_says_so_too(trl_is):
    trl_is("1.17.0")
    found = examine()
    assert found["engines"]["trl"]["version"] == "1.17.0"
    assert "1.8 to 1.14 and 1.16" in found["engines"]["trl"]["note"]
    assert ["trl 1.17.0" in one["what"] for one in found["problems"]] == [True]


def test_the_slow_check_runs_the_oldest_a_middle_and_the_newest():
    line = next(
        line for line in (ROOT / "Makefile").read_text(encoding="utf-8").splitlines() if line.startswith("TRLS")
    )
    oldest, middle, newest = (tuple(map(int, one.split("."))) for one in line.partition("?=")[2].split())
    assert (oldest, newest) == (versions.OLDEST, versions.NEWEST)
    assert oldest[1] + 2 < middle[1] < newest[1] - 2


def test_the_extra_installs_what_is_taken():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = next(one for one in project["project"]["optional-dependencies"]["train"] if one.startswith("trl"))
    assert f"pip install '{wanted}'" == versions.INSTALL


@pytest.mark.parametrize(("version", "has"), [("1.8.0", False), ("1.9.2", False), ("1.10.0", True), ("1.16.0", True)])
def test_tools_need_a_newer_one(trl_is, version, has):
    trl_is(version)
    assert versions.has_tools() is has
    if not has:
        with pytest.raises(EngineError, match=f"trl {version} does not read calls"):
            versions.refuse_tools()
