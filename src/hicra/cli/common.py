"""What all verbs share: common options, and the output of results."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

OnBad = Annotated[Literal["stop", "skip"], Parameter(help="Whether to stop at a bad line, or to skip and count it.")]
MaxBad = Annotated[float, Parameter(help="The largest share of bad lines that is allowed with --on-bad skip.")]
Out = Annotated[Path | None, Parameter(name=["-o", "--out"])]
Tokenizer = Annotated[
    str | None, Parameter(help="Folder with tokenizer.json. Without it, words are counted and not tokens.")
]
Unit = Annotated[
    Literal["gram", "sentence"] | None,
    Parameter(help="The span type: grams or whole sentences. The default is what the lexicon is made for."),
]
LexiconArg = Annotated[
    str, Parameter(help="A built-in lexicon (paper, paper-n3, planning), a folder made by mine or fit, or a text file.")
]


@Parameter(name="*")
@dataclass(frozen=True)
class Common:
    """The options that every verb takes."""

    json: Annotated[bool, Parameter(negative="", help="Print exactly one JSON object.")] = False
    seed: Annotated[int | None, Parameter(help="Seed of everything that is drawn.")] = None
    quiet: Annotated[bool, Parameter(name=["-q", "--quiet"], negative="", help="Print no progress on stderr.")] = False

    def say(self, text: str) -> None:
        """Prints progress on stderr, unless -q is given."""
        if not self.quiet:
            print(text, file=sys.stderr, flush=True)

    def warn(self, text: str | None) -> None:
        """Prints a warning on stderr, even with -q."""
        if text:
            print(f"warning: {text}", file=sys.stderr, flush=True)

    def give(self, result: dict[str, Any], text: str, then: str = "") -> None:
        """Prints the result on stdout, as JSON object or as text, and the next command (`then`) on stderr."""
        if self.json:
            from hicra.artifacts import canonical_json

            print(canonical_json(result, indent=None), end="")
        elif text:
            print(text)
        if then:
            self.say(f"next: {then}")


COMMON = Common()
