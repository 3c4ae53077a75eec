"""Prompt templates by name: a template makes chat messages, and the model's own chat template turns these into text.

Deviations (the paper does not give its prompts):
    PROMPT-1. "paper" is the instruction that follows each question in its released data (reference code cuts prompts at
        "Let's think" and "Please reason"); it is not known whether the evaluation used the same one.
    PROMPT-2. "boxed" and "one-shot" are this project's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from hicra.errors import ConfigError, did_you_mean

Messages = list[dict[str, Any]]
SLOT = "{question}"
BRIEF = "Think step by step briefly. End with \\boxed{answer}."
WORKED = (
    (
        "A farmer has 3 baskets of 4 eggs and sells 5 of the eggs. How many eggs are left?",
        "First, we need to find the number of eggs: 3 * 4 = 12. He sells 5, so 12 - 5 = 7 are left. "
        "The answer is \\boxed{7}.",
    ),
)


@dataclass(frozen=True)
class Template:
    """A prompt template: a system message, worked examples (question, response), and the text that the question is put into."""

    system: str = ""
    examples: tuple[tuple[str, str], ...] = ()
    user: str = SLOT

    def messages(self, question: str, images: int = 0) -> Messages:
        """Makes the chat messages for a question; with images, its content is a list of image parts and a text part."""
        made: Messages = [{"role": "system", "content": self.system}] if self.system else []
        for asked, answered in self.examples:
            made.append({"role": "user", "content": self.user.replace(SLOT, asked)})
            made.append({"role": "assistant", "content": answered})
        text = self.user.replace(SLOT, question)
        parts = [*({"type": "image"} for _ in range(images)), {"type": "text", "text": text}]
        made.append({"role": "user", "content": parts if images else text})
        return made


TEMPLATES: Mapping[str, Template] = MappingProxyType({
    "question": Template(),
    "paper": Template(user=SLOT + "\nPlease reason step by step, and put your final answer within \\boxed{}."),
    "boxed": Template(user=SLOT + "\n\nThink step by step, and write the final answer inside \\boxed{}."),
    "brief": Template(system=BRIEF),
    "one-shot": Template(system=BRIEF, examples=WORKED),
})  # fmt: skip


def template_of(name: Any, key: str) -> Template:
    """Returns a template by name, or makes one from a text that holds `{question}`.

    Raises:
        ConfigError: `name` is neither; the message names the setting `key` and the nearest template.
    """
    if isinstance(name, str) and name in TEMPLATES:
        return TEMPLATES[name]
    if isinstance(name, str) and SLOT in name:
        return Template(user=name)
    raise ConfigError(
        f"{key}: no prompt template {name!r}",
        f"{did_you_mean(str(name), TEMPLATES)} A text of your own must hold {SLOT}.",
    )


def plain(messages: Messages) -> str:
    """Writes messages as `Question:` and `Answer:` blocks, the last one empty, for a model without a chat template."""
    heads = {"system": "", "user": "Question: ", "assistant": "Answer: "}
    return "\n\n".join([*(heads[one["role"]] + one["content"] for one in messages), "Answer:"])
