"""The options of `hicra diagnose` that ask a model, as what diagnosing takes, with a bar of its progress."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hicra.errors import UsageError

if TYPE_CHECKING:
    from hicra.diagnose.scoring import Scoring


@contextmanager
def asked_model(
    model: str | None,
    tokenizer: str | None,
    limit: int,
    again: bool,
    signal: bool,
    attention: bool,
    quiet: bool,
) -> Iterator[Scoring | None]:
    """Yields what is asked of a model; None where none is named.

    Raises:
        UsageError: an option asks a model and none is named, or `tokenizer` names another one beside it.
    """
    if model is None:
        options = {"--signal": signal, "--attention": attention, "--model-limit": limit, "--rescore": again}
        if named := next((name for name, given in options.items() if given), None):
            raise UsageError(f"{named} asks a model, and none is named", "add --model DIR")
        yield None
        return
    if tokenizer is not None:
        raise UsageError("--model counts by its own tokenizer, and --tokenizer names one", "leave out --tokenizer")
    from hicra.cli.progress import Bar
    from hicra.diagnose.scoring import Scoring

    with Bar(None, "scoring", "row", quiet) as bar:
        yield Scoring(model, limit, again, signal, attention, bar.show)
