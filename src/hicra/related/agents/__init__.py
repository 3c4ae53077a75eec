"""Agents that play in an environment: flat ones, and ones with two levels, a plan and its execution.

| system | class |
| --- | --- |
| GRPO, GiGPO | `flat.GRPO`, `flat.GiGPO` |
| HiMAC | `himac.HiMAC` |
| HiPER | `hiper.HiPER` |

`words.MARKERS` are the words that a small tokenizer needs beside those of the environment.
"""

from hicra.related.agents.blueprint import Blueprint, parse, render
from hicra.related.agents.flat import GRPO, GiGPO
from hicra.related.agents.himac import HiMAC
from hicra.related.agents.hiper import HiPER
from hicra.related.agents.planning import planning_mask
from hicra.related.agents.words import MARKERS

__all__ = ["GRPO", "MARKERS", "Blueprint", "GiGPO", "HiMAC", "HiPER", "parse", "planning_mask", "render"]
