"""What all verbs share: common options, and the output of results.

A verb that draws nothing, or always with the same seed, takes `Undrawn` instead of `Common`, so that its help says that --seed
changes nothing.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from hicra.drawing.readable import counted, harmless
from hicra.errors import refused_by_system

if TYPE_CHECKING:
    from hicra.lexicon import Lexicon

OnBad = Annotated[Literal["stop", "skip"], Parameter(help="Whether to stop at a bad line, or to skip and count it.")]
MaxBad = Annotated[float, Parameter(help="The largest share of bad lines that is allowed with --on-bad skip.")]
Rollouts = Annotated[Path, Parameter(help="Rollouts: files, or folders of files.")]
Out = Annotated[Path | None, Parameter(name=["-o", "--out"], help="The file to write.")]
Tokenizer = Annotated[
    str | None,
    Parameter(
        help="Folder of a model or tokenizer (tokenizer.json), a built-in model, or a .tiktoken file. Without it, words are "
        "counted and not tokens."
    ),
]
Unit = Annotated[
    Literal["gram", "sentence"] | None,
    Parameter(help="The span type: grams or whole sentences. The default is what the lexicon is made for."),
]
LexiconArg = Annotated[
    str,
    Parameter(
        help="A built-in lexicon (paper, paper-n3, planning), a folder made by mine or fit, a text file, or "
        "hub:OWNER/NAME@REVISION."
    ),
]
Overwrite = Annotated[bool, Parameter(negative="", help="Replace the output where it exists; an input never is.")]


def tokenizer_folder(name: str | None) -> str | None:
    """Returns the path of a tokenizer that is named by a path or as a built-in model."""
    from hicra.generation.models import resolve_tokenizer

    return None if name is None else str(resolve_tokenizer(name))


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
            print(harmless(text), file=sys.stderr, flush=True)

    def warn(self, text: str | None) -> None:
        """Prints a warning on stderr, even with -q."""
        if text:
            print(harmless(f"warning: {text}"), file=sys.stderr, flush=True)

    def give(self, result: dict[str, Any], text: str, then: str = "", *, styled: bool = False) -> None:
        """Prints the result on stdout, as JSON object or as text, and the next command (`then`) on stderr.

        Args:
            result, text: the same, for programs and for people.
            then: the next command.
            styled: whether the text has colours of our own; else nothing in it reaches a terminal as a command.

        Raises:
            FileError: stdout cannot be written.
        """
        if self.json:
            from hicra.artifacts import canonical_json

            text = canonical_json(result, indent=None).rstrip("\n")
        elif not styled and sys.stdout is not None and sys.stdout.isatty():
            text = harmless(text)
        try:
            if text:
                print(_encodable(text), flush=True)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise refused_by_system(error, "standard output cannot be written") from None
        if then:
            self.say(f"next: {then}")


@Parameter(name="*")
@dataclass(frozen=True)
class Undrawn(Common):
    """What a verb takes that draws nothing, or only with a seed that is fixed."""

    seed: Annotated[
        int | None,
        Parameter(help="Taken, as by every verb, and changes nothing: what is drawn here has a fixed seed."),
    ] = None


def load_lexicon(name: str, common: Common) -> Lexicon:
    """Loads a lexicon; warns where a built-in one hides a folder of its name. Raises as `Lexicon.load`."""
    from hicra.lexicon import Lexicon, hub
    from hicra.lexicon.check import hidden_warning

    common.warn(hidden_warning(name))
    return Lexicon.from_pretrained(name, say=common.say) if name.startswith(hub.PREFIX) else Lexicon.load(name)


def lexicon_line(lexicon: Lexicon, unit: str | None) -> str:
    """Says which lexicon marked the planning; `unit` is as for `Tagger`."""
    spans = {"gram": "grams", "sentence": "whole sentences"}[unit or lexicon.default_unit]
    return f"lexicon: {lexicon.name}, {counted(len(lexicon), 'gram')}; {spans} are marked"


COMMON = Common()
UNDRAWN = Undrawn()


def _encodable(text: str) -> str:
    """Writes what stdout cannot encode, such as half a surrogate pair in the name of a file, as an escape that JSON reads."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"  # a closed stdout is None
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = "".join(char if char.isascii() else json.dumps(char)[1:-1] for char in text)
    return text
