"""Reads rows of SkyRL's evaluation dumps, dumped_evals/global_step_{N}_evals/{data source}.jsonl."""

from __future__ import annotations

import re
from typing import Any

from hicra.corpus.fields import Fields, Response
from hicra.corpus.formats.interface import Context, Format, inner, layout, present

_STEP = re.compile(r"global_step_(\d+)")


def rows(row: dict[str, Any], context: Context) -> list[Response]:
    """Returns the response of a row; a score for each token is summed."""
    fields: Fields = present(
        row, response="output_response", question="input_prompt", reward="score", source="data_source"
    )
    gold = inner(row, "env_extras", "reward_spec", "ground_truth")
    if gold is not None:
        fields["answer"] = (gold, "env_extras.reward_spec.ground_truth")
    if found := _STEP.match(context.path.absolute().parent.name):
        fields["step"] = (int(found[1]), "the folder's name")
    return [context.respond(row, fields)]


FORMAT = Format("skyrl", rows, layout("input_prompt", "output_response"))
