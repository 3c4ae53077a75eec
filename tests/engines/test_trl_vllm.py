"""vLLM samples inside the process (`vllm_mode="colocate"`), and HICRA shapes: `make check-vllm`, in an environment of its own.

vLLM may compute in another precision than the trainer, so the ratio by which TRL corrects for it is a real one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("vllm", reason="vLLM is not installed; `make check-vllm` runs this in an environment that has it")

from paths import SUPPORT

pytestmark = [pytest.mark.engine, pytest.mark.slow]
ENVIRONMENT = {
    "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_ENABLE_V1_MULTIPROCESSING": "0", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1",
    "RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "localhost",
}  # fmt: skip


@pytest.fixture(scope="module")
def found(tmp_path_factory: Any) -> dict[str, Any]:
    """What a process of its own found: vLLM leaves its process in no state to start it again."""
    folder = tmp_path_factory.mktemp("vllm")
    places = os.pathsep.join([str(SUPPORT), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, str(SUPPORT / "trl_with_vllm.py"), str(folder)],
        env=os.environ | ENVIRONMENT | {"PYTHONPATH": places}, capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-6000:]
    return dict(json.loads((Path(folder) / "found.json").read_text(encoding="utf-8")))


def test_vllm_samples_and_hicra_shapes(found: dict[str, Any]) -> None:
    assert found["steps"] == 2
    assert found["engine"] == "colocate"
    assert found["weights moved"]
    # the self-check has held the changed tokens equal to the planning tokens in each step
    assert 0 < found["changed_share"][0] <= found["planning_share"][0]
    assert found["mask is that of the sampled ids"]


def test_the_correction_of_the_ratios_stands_beside_the_shaping(found: dict[str, Any]) -> None:
    """Each token's loss is its clipped loss times the ratio, so a loss of twice the advantages is twice the loss."""
    assert found["ratios"], "TRL computed none, so this shows nothing"
    assert all(0.01 < one <= 3 for one in found["ratios"])  # at about 0 every loss would be the double of every other
    assert found["loss of twice the advantages"] == pytest.approx(2 * found["loss"], rel=1e-4)
