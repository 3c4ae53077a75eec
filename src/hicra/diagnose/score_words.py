"""Says in sentences what a model scored and what it did not; the terminal, warnings and errors share them.

Each function takes what `Scorer.about` returns.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hicra.drawing.readable import counted, duration, printable
from hicra.errors import DataError

NO_PROMPT = "it has no prompt"


def gap_sentence(apart: Mapping[str, Any]) -> str:
    """Says how far the responses are from what the model would write itself; "" where nothing was scored."""
    if apart["surprise"] is None:
        return ""
    ends = apart["ci"]
    said = f" (95 % {ends[0]:+.3f} to {ends[1]:+.3f})" if ends else ""
    return (
        f"they surprise it by {apart['surprise']:.3f} nats a token, what it samples itself would by its entropy, "
        f"{apart['entropy']:.3f}: difference {apart['difference']:+.3f}{said}"
    )


def refuse_unscored(about: Mapping[str, Any], rows: int) -> None:
    """Raises DataError where rows were to be scored and none could be."""
    left_out = about["left_out"]
    if about["rows"] or any(about["kept"].values()) or not left_out:
        return
    reason, most = max(left_out.items(), key=lambda one: one[1])
    raise DataError(
        f"--model {about['model']} can score none of {counted(rows, 'row')}; the reason of {most} of them: {reason}",
        "name the column of the prompts with --map question=COLUMN"
        if reason == NO_PROMPT
        else "give responses of one turn with their prompts, and a model with a longer context where they are too long",
    )


def warnings_of(about: Mapping[str, Any]) -> list[str]:
    """Says what could not be scored, and whose values do not fit; figures that are as they should be are no warning."""
    said = [
        f"{counted(number, 'row')} not scored by {about['model']}, each because {reason}"
        for reason, number in about["left_out"].items()
    ]
    others = about["token_ids"]["of_another_tokenizer"]
    if others:
        said.append(
            f"the token_ids of {counted(others, 'row')} do not spell the response by the tokenizer of {about['model']}: their "
            "text was cut anew"
        )
    for name, number in about["unfit"].items():
        if number:
            said.append(
                f"the {name} of {counted(number, 'row')} do not fit the tokens of {about['model']} and do not count"
            )
    return said


def score_lines(about: Mapping[str, Any]) -> str:
    """Writes what was scored, how prompts and tokens were read, and how far the responses are from the model's own."""
    ids, kept = about["token_ids"], about["kept"]
    how = " and ".join(f"{number} as {name}" for name, number in about["prompts"].items())
    said = [
        f"{counted(about['rows'], 'row')} with {counted(about['tokens'], 'token')} scored by {about['model']} in "
        f"{duration(about['seconds'])}; prompts read: {how or 'none'}; token ids: {ids['recorded']} rows as recorded, "
        f"{ids['from_text']} cut from the text."
    ]
    if about["limit"]:
        said.append(
            f"At most {about['limit']} rows of a step, whole prompts spread over it: {about['drawn']} were looked at."
        )
    if any(kept.values()):
        said.append(
            f"Kept as the dump has them: entropies of {kept['entropies']} rows, logprobs of {kept['logprobs']}."
        )
    if gap := gap_sentence(about["surprise"]):
        said.append(f"How far the responses are from the model's own: {gap}.")
    for arm, apart in about["surprise_of_arms"].items():
        if gap := gap_sentence(apart):
            said.append(f"  of {printable(arm)}: {gap}.")
    return "\n".join(["", "Scores", *(f"  {line}" for line in said)])
