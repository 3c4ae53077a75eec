"""Makes the dumps beside it, `dumps/inspect` and `dumps/verl`, each written by the library itself (neither is needed to test).

    .venv-trackers/bin/python tests/support/make_dumps.py inspect     # what `make check-trackers` installs
    .venv-verl/bin/python tests/support/make_dumps.py verl            # what `make check-verl` installs

What the rollouts say is invented and stands below; how it is written is theirs. The tests of dumps compare the two.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from dumps_said import ANSWERS, QUESTIONS, VERDICTS

HERE = Path(__file__).parent / "dumps"


def inspect_dumps(folder: Path, form: str, texts: Sequence[Sequence[str]] = ANSWERS) -> None:
    """Evaluates a model that answers by the table, with Inspect's own task, scorer and log writer.

    Args:
        folder: where the log goes.
        form: "eval" or "json", as Inspect names its formats.
        texts: the answers to each question, an epoch each.
    """
    from inspect_ai import Task
    from inspect_ai import eval as evaluate
    from inspect_ai.dataset import Sample
    from inspect_ai.model import (
        ChatMessageAssistant,
        ContentReasoning,
        ContentText,
        ModelOutput,
        ModelUsage,
        get_model,
    )
    from inspect_ai.scorer import match
    from inspect_ai.solver import generate

    said = {question: list(answers) for (question, _), answers in zip(QUESTIONS, texts, strict=True)}

    def answer(asked, tools, choice, config):  # type: ignore[no-untyped-def]
        thought, _, text = said[asked[-1].text].pop(0).rpartition("|")
        parts = [*([ContentReasoning(reasoning=thought)] if thought else []), ContentText(text=text)]
        output = ModelOutput.from_message(ChatMessageAssistant(content=parts, source="generate"))
        output.usage = ModelUsage(
            input_tokens=1, output_tokens=1, total_tokens=2
        )  # counting them would ask the network
        return output

    task = Task(
        name="sums", dataset=[Sample(id=f"q{at}", input=question, target=gold) for at, (question, gold) in enumerate(QUESTIONS)],
        solver=generate(), scorer=match(), epochs=len(texts[0]),
    )  # fmt: skip
    model = get_model("mockllm/model", memoize=False, custom_outputs=answer)
    (log,) = evaluate(
        task, model=model, log_dir=str(folder), log_format=form, display="none", max_samples=1, log_realtime=False
    )
    assert log.status == "success", log.error


def verl_dump(folder: Path, texts: Sequence[Sequence[str]] = ANSWERS) -> None:
    """Has verl's own trainer write the generations of two steps, as it does where `trainer.rollout_data_dir` is set."""
    from verl.trainer.ppo.ray_trainer import RayPPOTrainer

    trainer = object.__new__(RayPPOTrainer)  # its dump needs nothing of what its start makes but the thread that writes
    trainer._init_dump_executor()
    for step in (1, 2):
        trainer.global_steps = step
        rows = [
            (question, text.replace("|", "\n"), gold, float(right))
            for (question, gold), answers, verdicts in zip(QUESTIONS, texts, VERDICTS, strict=True)
            for text, right in zip(answers, verdicts, strict=True)
        ]
        scores = [row[3] for row in rows]
        trainer._dump_generations(
            inputs=[row[0] for row in rows], outputs=[row[1] for row in rows], gts=[row[2] for row in rows],
            scores=scores, reward_extra_infos_dict={"acc": [bool(one) for one in scores]}, dump_path=str(folder),
        )  # fmt: skip
    trainer._shutdown_dump_executor()


def main(which: str) -> None:
    """Writes the dumps of one library anew, from a folder of its own, so that a log names no place of this machine."""
    out = HERE / which
    out.mkdir(parents=True, exist_ok=True)
    for old in out.iterdir():
        old.unlink()
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        if which == "verl":
            verl_dump(Path(work) / "verl")
        else:
            for form in ("eval", "json"):
                inspect_dumps(Path(work) / which, form)
        for made in sorted((Path(work) / which).iterdir()):
            (out / made.name).write_bytes(made.read_bytes())


if __name__ == "__main__":
    main(sys.argv[1])
