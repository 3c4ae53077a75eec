"""What the command lines of recipes share: numbers in a range, and an ending without a traceback where the user can mend it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from hicra.errors import HicraError, refused_by_system, system_error

SEEDS = 2**32 - 1  # the greatest seed that every library takes


def whole(least: int = 0, most: int | None = None) -> Callable[[str], int]:
    """Returns the `type` of an argparse option that takes whole numbers from `least` on, up to `most` where it is given.

    >>> whole(1)("20")
    20
    """
    bounds = f"of at least {least}" if most is None else f"from {least} to {most}"

    def number(text: str) -> int:
        try:
            found = int(text)
        except ValueError:
            found = least - 1
        if found < least or (most is not None and found > most):
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number {bounds}")
        return found

    return number


seed = whole(0, SEEDS)


def ended(work: Callable[[], None]) -> int:
    """Does the work and returns the exit code: 0; 1 with one line of error where an input is wrong; 130 after Ctrl-C."""
    try:
        work()
    except HicraError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        return 130
    except OSError as error:
        said = system_error(error)
        assert said is not None
        named = str(said.filename or "the operating system refused a call")
        print(f"error: {refused_by_system(said, named)}", file=sys.stderr)
        return 1
    return 0
