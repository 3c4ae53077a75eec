"""The command line: verbs only. What a verb does stands in the module it imports when it runs, so that --help stays quick.

stdout is data, stderr is progress. Every verb takes --json (exactly one JSON object on stdout), --seed and -q.
Exit codes: 0 ok, 1 the input or a check failed, 2 usage; 130 and 143 after SIGINT and SIGTERM.
"""

from __future__ import annotations

import sys

from cyclopts import CycloptsError

from hicra.cli import lexicons, results, rollouts, runs  # noqa: F401  (they register their verbs)
from hicra.cli.common import app
from hicra.errors import HicraError


def main(argv: list[str] | None = None) -> None:
    """Entry point: runs one verb and exits with its code."""
    words = sys.argv[1:] if argv is None else argv
    try:
        code = app(words, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        _fail(words, str(error), "see --help of that verb", 2)
    except HicraError as error:
        _fail(words, error.message, error.fix, 1)
    except KeyboardInterrupt:
        _fail(words, "interrupted", "", 130)
    except BrokenPipeError:
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(words: list[str], message: str, fix: str, code: int) -> None:
    if "--json" in words:
        import json

        print(json.dumps({"error": message, "fix": fix}))
    print(f"error: {message}" + (f"\n  fix: {fix}" if fix else ""), file=sys.stderr)
    sys.exit(code)
