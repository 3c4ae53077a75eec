"""One thread, no network, no cache of vectors, and the helper modules of this folder importable."""

import os
import sys
from pathlib import Path

import pytest

SETTINGS = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "HICRA_VECTORS": "off"}
for name, value in SETTINGS.items():
    os.environ.setdefault(name, value)
sys.path.insert(0, str(Path(__file__).parent))
DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture
def shared_data():
    """The folder of real data beside the checkout; the test is skipped where it is absent."""
    if not DATA.is_dir():
        pytest.skip("no real data beside this checkout")
    return DATA
