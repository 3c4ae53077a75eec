"""One thread, no network, no cache of vectors, and the helper modules of this folder importable."""

import gc
import os

import pytest
from hypothesis import settings

import problems_hashed  # noqa: F401, before anything of the package that hashes the embedded task
from paths import ROOT, SHARED

TESTS = ROOT / "tests"
SETTINGS = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "HICRA_VECTORS": "off"}
for name, value in SETTINGS.items():
    os.environ.setdefault(name, value)
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # a process that a test begins reads compiled modules, as a user's does


# A slow machine is no failure. `make check` draws the same examples on every machine, `make test` draws new ones, and
# `make test-fast` few.
settings.register_profile("default", deadline=None)
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("few", deadline=None, max_examples=20)
settings.load_profile("default")


@pytest.fixture(autouse=True, scope="module")
def imports_are_no_garbage():
    """Each training collects garbage, which would go through a million objects of imported modules every time."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def shared_data():
    """The folder of real data beside the checkout; the test is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("no real data beside this checkout")
    return SHARED


def pytest_collection_modifyitems(items):
    """Whatever trains a model or opens a browser is slow (`make test-fast` leaves it out)."""
    for item in items:
        if item.path.relative_to(TESTS).parts[0] in ("engines", "ui"):
            item.add_marker(pytest.mark.slow)
