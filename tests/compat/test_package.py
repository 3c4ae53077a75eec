"""What is published: the wheel and the sdist hold what they should, and nothing is required twice."""

import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib.metadata import requires

import pytest

from hicra.version import __version__
from paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SHIPPED = [
    "hicra/py.typed",
    "hicra/lexicon/data/paper_listing1.txt",
    "hicra/lexicon/data/planning/grams.parquet",
    "hicra/report/templates/page.html.j2",
    "hicra/tasks/calculator/warmstart/model/model.safetensors",
    "hicra/tasks/plan_execute/warmstarts/strong/model.safetensors",
    "hicra/tasks/plan_execute/warmstarts/weak/model.safetensors",
]


def test_the_base_install_has_at_most_ten_requirements():
    assert len(PROJECT["dependencies"]) <= 10


@pytest.mark.parametrize(("package", "brings"), [("cyclopts", "rich"), ("scikit-learn", "scipy")])
def test_what_we_import_but_do_not_require_is_brought_along(package, brings):
    needs = [
        line
        for line in requires(package) or []
        if line.split(";")[0].strip().startswith(brings) and "extra ==" not in line
    ]
    assert needs, f"{package} no longer requires {brings}: add it to the dependencies"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """(wheel, sdist), built without a network from what is installed."""
    pytest.importorskip("build")
    pytest.importorskip("hatch_fancy_pypi_readme")
    out = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return next(out.glob("*.whl")), next(out.glob("*.tar.gz"))


@pytest.mark.slow
def test_the_wheel_holds_the_package_and_its_data_and_nothing_else(built):
    names = zipfile.ZipFile(built[0]).namelist()
    assert set(SHIPPED) <= set(names)
    info = f"hicra-{__version__}.dist-info/"
    assert not [name for name in names if not name.startswith(("hicra/", info))]
    licences = {name.removeprefix(f"{info}licenses/") for name in names if "/licenses/" in name}
    assert licences == {"LICENSE", "NOTICE", "LICENSES/CC-BY-4.0.txt"}
    metadata = zipfile.ZipFile(built[0]).read(f"{info}METADATA").decode()
    assert f"\nVersion: {__version__}\n" in metadata
    assert "\nLicense-Expression: Apache-2.0 AND CC-BY-4.0\n" in metadata


@pytest.mark.slow
def test_the_readme_renders_on_a_package_index(built):
    renderer = pytest.importorskip("readme_renderer.markdown")
    metadata = zipfile.ZipFile(built[0]).read(f"hicra-{__version__}.dist-info/METADATA").decode()
    text = metadata.split("\n\n", 1)[1]
    page = renderer.render(text)
    assert page is not None
    for link in ('href="', 'src="'):
        for target in page.split(link)[1:]:
            assert target.startswith(("https://", "#")), target[:60]  # nothing stands beside it there
    assert "<h1>hicra</h1>" in page or ">hicra<" in page


@pytest.mark.slow
def test_the_sdist_holds_what_the_tests_need(built):
    with tarfile.open(built[1]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "Makefile", "tests/conftest.py", "recipes/plan-execute/config.yaml"} <= names
    assert not [name for name in names if name.startswith(("runs/", ".venv", "dist/"))]
