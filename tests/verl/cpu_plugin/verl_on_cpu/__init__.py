"""For tests alone: verl on a CPU. verl finds this package by its entry point, and imports it in every process.

`platform` tells verl of a device that is the CPU, `rollout` samples with transformers in the place of vLLM, `order` makes two
runs comparable bit for bit, and `record` keeps what the actor is trained on. The process group is gloo's: the string that verl
makes for its backend names the CPU twice, which torch refuses.
"""

import os

import torch.distributed
import verl.utils.distributed as of_verl
import verl.workers.rollout.base as rollouts
from verl.workers.rollout.replica import RolloutReplicaRegistry

import verl_on_cpu.platform

NAME = "on_cpu"


def _join_gloo(timeout_second=None, backend=None):
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group(
            "gloo", rank=int(os.environ["RANK"]), world_size=int(os.environ["WORLD_SIZE"]),
            init_method=os.environ.get("DIST_INIT_METHOD"),
        )  # fmt: skip


def _replica():
    from verl_on_cpu.rollout import Replica

    return Replica


of_verl.initialize_global_process_group_ray = _join_gloo
rollouts._ROLLOUT_REGISTRY[(NAME, "async")] = "verl_on_cpu.rollout.Adapter"
RolloutReplicaRegistry.register(NAME, _replica)
if os.environ.get("VERL_ON_CPU_RECORD"):
    import verl_on_cpu.record
if os.environ.get("VERL_ON_CPU_STEPS"):
    import verl_on_cpu.alternate  # noqa: F401
