"""One thread, no network, no cache of vectors, and the helper modules of this folder importable."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

SETTINGS = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "HICRA_VECTORS": "off"}
for name, value in SETTINGS.items():
    os.environ.setdefault(name, value)
sys.path.insert(0, str(Path(__file__).parent))
DATA = Path(__file__).parents[2] / "shared" / "data"


# A slow machine is no failure. `make check` draws the same examples on every machine, `make test` draws new ones.
settings.register_profile("default", deadline=None)
settings.register_profile("same", deadline=None, derandomize=True)
settings.load_profile("default")


@pytest.fixture
def shared_data():
    """The folder of real data beside the checkout; the test is skipped where it is absent."""
    if not DATA.is_dir():
        pytest.skip("no real data beside this checkout")
    return DATA
