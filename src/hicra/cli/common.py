"""What the verbs share: their common options, the app they are registered with, and how a result is given."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Group, Parameter

from hicra.version import __version__

OnBad = Annotated[Literal["stop", "skip"], Parameter(help="At a bad line: stop, or skip and count it.")]
MaxBad = Annotated[float, Parameter(help="With --on-bad skip: the largest share of bad lines.")]
Out = Annotated[Path | None, Parameter(name=["-o", "--out"])]
Tokenizer = Annotated[str | None, Parameter(help="Folder with tokenizer.json; without it, words are counted.")]
Unit = Annotated[
    Literal["gram", "sentence"] | None,
    Parameter(help="Planning spans are grams, or sentences; default: as the lexicon is made."),
]
LexiconArg = Annotated[
    str, Parameter(help="Built-in (paper, paper-n3, planning), folder made by mine or fit, or text file.")
]


@Parameter(name="*")
@dataclass(frozen=True)
class Common:
    """What every verb takes."""

    json: Annotated[bool, Parameter(negative="", help="Print exactly one JSON object.")] = False
    seed: Annotated[int | None, Parameter(help="Seed of whatever is drawn.")] = None
    quiet: Annotated[bool, Parameter(name=["-q", "--quiet"], negative="", help="No progress on stderr.")] = False

    def say(self, text: str) -> None:
        """Progress, on stderr."""
        if not self.quiet:
            print(text, file=sys.stderr, flush=True)

    def warn(self, text: str | None) -> None:
        """Something the user should know, on stderr, also with -q."""
        if text:
            print(f"warning: {text}", file=sys.stderr, flush=True)

    def give(self, result: dict[str, Any], text: str, then: str = "") -> None:
        """The result on stdout: the JSON object, or the text; `then` is the next command, on stderr."""
        if self.json:
            from hicra.artifacts import canonical_json

            print(canonical_json(result, indent=None), end="")
        elif text:
            print(text)
        if then:
            self.say(f"next: {then}")


COMMON = Common()
app = App(
    name="hicra",
    help="Hierarchy-aware credit assignment: mine strategic grams, tag planning tokens, train, measure, report.",
    version=__version__,
    group_commands=Group("Verbs, in the order of the data", sort_key=0),
    help_format="plaintext",
)
app.command(
    corpus := App(name="corpus", help="Read rollouts of any engine, strictly.", help_format="plaintext", sort_key=1)
)
app.command(
    lexicon := App(
        name="lexicon", help="Look at, combine, score and fit lexicons.", help_format="plaintext", sort_key=3
    )
)
