"""The command that installs an extra works from where hicra was installed, and never puts TRL and verl together."""

import json

import pytest

from hicra import install
from hicra.errors import ConfigError
from hicra.workers.cluster import import_ray


@pytest.fixture
def came_from(monkeypatch):
    """Lets hicra be installed from somewhere, beside some packages."""

    def of(origin, *beside):
        class Distribution:
            def read_text(self, name):
                assert name == "direct_url.json"
                return None if origin is None else json.dumps(origin)

        monkeypatch.setattr(install.importlib.metadata, "distribution", lambda name: Distribution())
        monkeypatch.setattr(install, "installed", lambda name: "1" if name in beside else None)

    return of


@pytest.mark.parametrize(
    ("origin", "command"),
    [
        (None, "pip install 'hicra[ray]'"),
        ({"url": "file:///src/hicra", "dir_info": {"editable": True}}, "pip install -e '/src/hicra[ray]'"),
        ({"url": "file:///src/my%20hicra", "dir_info": {}}, "pip install '/src/my hicra[ray]'"),
        ({"url": "file:///w/hicra-0.1.0-py3-none-any.whl", "archive_info": {}},
         "pip install '/w/hicra-0.1.0-py3-none-any.whl[ray]'"),
        ({"url": "https://h.org/hicra.zip", "archive_info": {}}, "pip install 'hicra[ray] @ https://h.org/hicra.zip'"),
        ({"url": "https://h.org/hicra", "vcs_info": {"vcs": "git", "commit_id": "1f0c"}},
         "pip install 'hicra[ray] @ git+https://h.org/hicra@1f0c'"),
    ],
)  # fmt: skip
def test_the_command_is_for_where_hicra_came_from(came_from, origin, command):
    came_from(origin, "trl", "verl")
    assert install.install_command("ray") == command


def test_hicra_alone_is_installed_again_with_options(came_from):
    came_from({"url": "file:///src/hicra", "dir_info": {"editable": True}}, "trl")
    again = install.install_command("", "--force-reinstall", "--no-deps")
    assert again == "pip install --force-reinstall --no-deps -e /src/hicra"


def test_from_a_checkout_that_is_not_installed_it_is_the_checkout(monkeypatch):
    def absent(name):
        raise install.importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(install.importlib.metadata, "distribution", absent)
    root = install.Path(install.__file__).parents[2]
    assert (root / "pyproject.toml").exists()
    assert install._source("ray") == ["-e", f"{root}[ray]"]


@pytest.mark.parametrize(
    ("extra", "beside", "apart"),
    [
        ("train", "verl", True), ("verl", "trl", True), ("train", "trl", False), ("verl", "verl", False),
        ("train", "", False), ("verl", "", False), ("verify", "verl", False),
    ],
)  # fmt: skip
def test_trl_and_verl_are_never_put_together(came_from, extra, beside, apart):
    came_from(None, beside)
    own = f"python3 -m venv .venv-{extra} && .venv-{extra}/bin/pip install 'hicra[{extra}]'"
    assert install.install_command(extra) == (own if apart else f"pip install 'hicra[{extra}]'")


def test_a_message_has_the_command(came_from, monkeypatch):
    came_from({"url": "file:///src/hicra", "dir_info": {"editable": True}})
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(ConfigError) as refused:
        import_ray()
    assert refused.value.fix == "pip install -e '/src/hicra[ray]', or use --backend local"
