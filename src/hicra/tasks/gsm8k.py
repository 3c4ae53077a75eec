"""Grade-school word problems (GSM8K) from files that the user gives; hicra neither ships nor downloads them.

This is the task "math" with the format of GSM8K (the answer is what follows the last `####`, or all of it) and a worked example.

Deviations (the paper trains on competition problems):
    GSM8K-1. The reward is 1 for the right final answer, else 0.
    GSM8K-2. The default is one worked example, so that a small model writes its answer where it can be found.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hicra.errors import ConfigError
from hicra.tasks import math
from hicra.tasks.prompts import BRIEF, WORKED, Template, template_of

SYSTEM = BRIEF
EXAMPLES = WORKED


class Gsm8k(math.MathTask):
    """The task "gsm8k": `math.MathTask` with benchmark "gsm8k", answer_mode "lenient" and one more setting.

    Args:
        shots: number of worked examples before the question, 0 or 1; 0 cannot be combined with another `prompt`.
    """

    name = "gsm8k"
    defaults = {**math.DEFAULTS, "benchmark": "gsm8k", "answer_mode": "lenient", "prompt": "one-shot", "shots": 1}  # noqa: RUF012

    def _prompt(self, given: Mapping[str, Any]) -> Template:
        shots, prompt = given["shots"], given["prompt"]
        if type(shots) is not int or shots not in (0, 1):
            raise ConfigError(f"task.settings.shots is {shots!r}", "give 0 or 1")
        if shots == 0:
            if prompt != "one-shot":
                raise ConfigError("task.settings.shots and task.settings.prompt exclude each other", "give one of them")
            prompt = "brief"
        return template_of(prompt, "task.settings.prompt")
