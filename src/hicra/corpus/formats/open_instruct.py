"""Reads rows of Open Instruct's *_rollouts_*.jsonl, which hold token ids and no text: a tokenizer reads them.

Without one a row has ids, reward, step and group, and no response.
"""

from __future__ import annotations

from typing import Any

from hicra.corpus.fields import Fields, Response
from hicra.corpus.formats.interface import Context, Format, layout, present


def rows(row: dict[str, Any], context: Context) -> list[Response]:
    """Returns the response of a row; its group is the prompt of a step."""
    fields: Fields = {
        "token_ids": (row["response_tokens"], "response_tokens"),
        "question": (context.text_of(row["prompt_tokens"], "prompt_tokens"), "prompt_tokens"),
    }
    fields |= present(row, reward="reward", step="step", source="dataset")
    gold = row.get("ground_truth")
    of_ids = type(gold) is list and all(type(one) is int for one in gold)
    fields["answer"] = (context.text_of(gold, "ground_truth") if of_ids else gold, "ground_truth")
    if row.get("prompt_idx") is not None:
        fields["group_id"] = (f"{row.get('step')}:{row['prompt_idx']}", "step, prompt_idx")
    return [context.respond(row, fields)]


FORMAT = Format("open_instruct", rows, layout("prompt_tokens", "response_tokens"))
