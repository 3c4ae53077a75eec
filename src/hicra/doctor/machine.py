"""Looks at what a training run has to work with on this machine: cores, threads, the CPU's vector instructions, a GPU."""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hicra.version import installed
from hicra.workers.threads import VARIABLE as THREADS
from hicra.workers.threads import usable_cores

CPUINFO = Path("/proc/cpuinfo")
FEATURES = {
    "avx2": ("avx2",),
    "avx512": ("avx512f",),
    "bf16": ("avx512_bf16", "amx_bf16", "bf16"),
}  # a flag of Linux for each


def machine() -> dict[str, Any]:
    """Returns {system, cores, usable_cores, threads, avx2, avx512, bf16, gpu, gpu_of_torch}.

    `usable_cores` are those that this process may run on; `threads` is the setting of OMP_NUM_THREADS; a feature of the CPU is
    None where the system does not say; `gpu` is the card as the driver names it and `gpu_of_torch` as torch does, None without.
    """
    flags = _flags()
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "usable_cores": usable_cores(),
        "threads": os.environ.get(THREADS),
        **{name: None if flags is None else any(flag in flags for flag in any_of) for name, any_of in FEATURES.items()},
        "gpu": _gpu_of_driver(),
        "gpu_of_torch": _gpu_of_torch(),
    }


def notes_on(found: dict[str, Any]) -> list[str]:
    """Returns what a user should know of such a machine, a sentence each."""
    notes = []
    if found["gpu"] and installed("torch") and not found["gpu_of_torch"]:
        notes.append(
            f"torch {installed('torch')} does not see the GPU ({found['gpu']}): install a build of torch for its driver"
        )
    if found["gpu_of_torch"]:
        return notes
    if found["threads"] is None and found["usable_cores"] > 1:
        notes.append(
            f"{THREADS} is not set: on shared cores a small model trains many times slower with several threads; "
            f"export {THREADS}=1"
        )
    if found["bf16"] is False:
        notes.append("this CPU computes no bfloat16: train in fp32 (train.precision=auto does)")
    return notes


def _flags() -> set[str] | None:
    """Returns the flags of the CPU; None where the system has no such file."""
    try:
        lines = CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    found = next((line for line in lines if line.split(":")[0].strip() in ("flags", "Features")), None)
    return None if found is None else set(found.partition(":")[2].split())


def _gpu_of_driver() -> str | None:
    """Returns the names of the cards that NVIDIA's driver shows; None where there is no such driver."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return None
    try:
        asked = [tool, "--query-gpu=name,memory.total", "--format=csv,noheader"]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    names = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    return "; ".join(names) if done.returncode == 0 and names else None


def _gpu_of_torch() -> str | None:
    """Returns the name of the first GPU that torch can use; None without one, or without a torch that works."""
    if installed("torch") is None:
        return None
    try:
        torch: Any = importlib.import_module("torch")
        return str(torch.cuda.get_device_name(0)) if torch.cuda.is_available() else None
    except Exception:  # a library of CUDA that is absent is an OSError; the engine that needs torch says what is broken
        return None
