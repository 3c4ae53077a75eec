"""Reads rows of NeMo-RL's val_data_step{N}.jsonl: a batch of one a line, so `content` and `rewards` are lists of one.

The train_data_step{N}.jsonl of the same trainer hold texts without roles: which of them the model wrote is not in the file.
"""

from __future__ import annotations

import re
from typing import Any

from hicra.corpus.fields import Fields, Response
from hicra.corpus.formats.interface import Context, Format, layout
from hicra.corpus.strict_json import BadRow
from hicra.corpus.turns import asked

_STEP = re.compile(r"_step(\d+)\.")


def rows(row: dict[str, Any], context: Context) -> list[Response]:
    """Returns the response of a row: what the assistant says; the environment's turns are no response."""
    content, rewards = row["content"], row["rewards"]
    messages = content[0] if type(content) is list and content else None
    if type(messages) is not list or not all(type(one) is dict for one in messages):
        raise BadRow(
            "content holds no messages with roles, so what the model wrote is not known; val_data_step*.jsonl do"
        )
    reward = rewards[0] if type(rewards) is list and rewards else rewards
    fields: Fields = {
        "response": (messages, "content"),
        "question": (asked(messages, "content"), "the first user turn of content"),
        "reward": (reward, "rewards"),
    }
    if found := _STEP.search(context.path.name):
        fields["step"] = (int(found[1]), "the file's name")
    return [context.respond(row, fields)]


FORMAT = Format("nemo_rl", rows, layout("content", "rewards"))
