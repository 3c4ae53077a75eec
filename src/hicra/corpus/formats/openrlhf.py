"""Reads rows of OpenRLHF's batch inference: input, output, and the reward that a reward model gave."""

from __future__ import annotations

from typing import Any

from hicra.corpus.fields import Response
from hicra.corpus.formats.interface import Context, Format, layout, present
from hicra.corpus.formats.plain import TEXTS


def rows(row: dict[str, Any], context: Context) -> list[Response]:
    """Returns the response of a row."""
    return [context.respond(row, present(row, response="output", question="input", reward="reward"))]


FORMAT = Format(
    "openrlhf", rows, layout("input", "output", "reward"), never=frozenset((*TEXTS, "score", "instruction"))
)
