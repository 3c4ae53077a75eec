"""Engine tests need torch and TRL; without them they are left out. One thread: tiny models are fastest so."""

from __future__ import annotations

import importlib.util
import os

for name, value in (("HF_HUB_OFFLINE", "1"), ("TRL_EXPERIMENTAL_SILENCE", "1"), ("OMP_NUM_THREADS", "1")):
    os.environ.setdefault(name, value)

present = all(importlib.util.find_spec(package) for package in ("torch", "trl", "transformers", "datasets"))
collect_ignore_glob = [] if present else ["test_trl_*.py"]

if present:
    import torch

    torch.set_num_threads(1)
