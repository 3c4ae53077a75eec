"""For `benchmarks/bench_verl_overhead.py`: a trainer whose steps are plain verl's and hicra's in turn, and a line for each step.

A line of the file that VERL_ON_CPU_STEPS names is a step: its number, its arm, its wall clock, that of its advantages, and CPU
seconds, of the process that drives the run and of all processes of the run together.
"""

import json
import os
import time
from pathlib import Path

import psutil
from verl.trainer.ppo.v1 import PPOTrainerSync, register_trainer

from hicra.engines.verl.trainer import HicraSync

NAME = "alternating"


def _everywhere():
    """CPU seconds so far of the processes of Ray on this machine, which are those that the parent of this one has started."""
    seconds = 0.0
    for process in psutil.Process().parent().children(recursive=True):
        try:
            spent = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        seconds += spent.user + spent.system
    return seconds


@register_trainer(NAME)
class Alternating(HicraSync):
    @property
    def _arm(self):
        return ("hicra", "plain")[self.global_steps % 2]

    def on_step_begin(self):
        self._began = time.perf_counter(), time.process_time(), _everywhere()
        self._advantages = [0.0, 0.0]
        super().on_step_begin()

    def _compute_advantage(self, batch, metrics):
        began = time.perf_counter(), time.process_time()
        kind = HicraSync if self._arm == "hicra" else PPOTrainerSync
        done = kind._compute_advantage(self, batch, metrics)
        for at, now in enumerate((time.perf_counter(), time.process_time())):
            self._advantages[at] += now - began[at]
        return done

    def on_step_end(self):
        super().on_step_end()
        wall, driver, every = (
            now - then
            for now, then in zip((time.perf_counter(), time.process_time(), _everywhere()), self._began, strict=True)
        )
        line = {
            "step": self.global_steps, "arm": self._arm, "wall": wall, "driver_cpu": driver, "all_cpu": every,
            "advantages_wall": self._advantages[0], "advantages_cpu": self._advantages[1],
        }  # fmt: skip
        with Path(os.environ["VERL_ON_CPU_STEPS"]).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
