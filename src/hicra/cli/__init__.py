"""The command line: verbs only. Each verb is a file here, imported when it is called, so that `hicra --help` stays quick.

stdout is data, stderr is progress. Every verb takes --json (exactly one JSON object on stdout), --seed and -q.
Exit codes: 0 ok, 1 the input or a check failed, 2 usage; 130 and 143 after SIGINT and SIGTERM.

To add a verb: a file with a function of its name, and a line in the table below.
"""

from __future__ import annotations

import sys

from cyclopts import App, CycloptsError, Group

from hicra.errors import HicraError, UsageError
from hicra.version import __version__

# in the order of the data; the second is what `hicra --help` says, the first line of the function's docstring
VERBS = {
    "demo": "Run the whole way on the embedded task: sample, mine, tag, train, evaluate, compare, report.",
    "corpus inspect": "Say which format was recognised and which column means what, and account for every line.",
    "corpus overlap": "List training rows that hold a benchmark question, whole or 13 of its words in a row.",
    "mine": "Mine a lexicon of strategic grams from correct solutions.",
    "lexicon show": "Print what a lexicon holds: clusters with their members, the most frequent first.",
    "lexicon diff": "Say what lexicon B adds to lexicon A, and what it lacks.",
    "lexicon merge": "Write the union of lexicons.",
    "lexicon select": "Write the grams of a lexicon that have so many words, or are so frequent.",
    "lexicon score": "Score a lexicon against labelled traces: precision, recall, F1 and lift, with intervals.",
    "lexicon fit": "Fit a weighted lexicon to labelled traces, cross-validated by question.",
    "tag": "Tag the planning spans of rollouts; -o OUT.parquet or OUT.jsonl keeps them.",
    "verify": "Judge answers: rows of id, completion and gold in, a verdict for each out.",
    "train": "Train a model with a credit method.",
    "eval": "Sample answers to benchmark questions, verify them, and give avg@n and pass@k with intervals.",
    "diagnose": "Measure the rollouts of any run: every metric that the rows allow, step by step.",
    "compare": "Compare arms with a baseline, paired by seed: run folders, or a table of arm, seed, value.",
    "report": "Build one offline HTML page from run folders.",
    "methods": "List the baselines, credit methods (shapers) and losses, with needs, settings and source.",
    "doctor": "Say what is installed, which engines are ready, and how to mend what is broken.",
}
GROUPS = {
    "corpus": "Read rollouts of any engine, strictly.",
    "lexicon": "Look at, combine, score and fit lexicons.",
}


def app() -> App:
    """The program with its verbs, none of them imported yet."""
    top = App(
        name="hicra",
        help="Hierarchy-aware credit assignment: mine strategic grams, tag planning tokens, train, measure, report.",
        version=__version__,
        group_commands=Group("Verbs, in the order of the data", sort_key=0),
        help_format="plaintext",
    )
    groups: dict[str, App] = {}
    for order, (verb, says) in enumerate(VERBS.items()):
        group, _, name = verb.rpartition(" ")
        if group and group not in groups:
            groups[group] = App(name=group, help=GROUPS[group], help_format="plaintext", sort_key=order)
            top.command(groups[group])
        file = group or {"eval": "evaluate"}.get(name, name)
        into = groups[group] if group else top
        into.command(f"hicra.cli.{file}:{'evaluate' if name == 'eval' else name}", name=name, help=says, sort_key=order)
    return top


def main(argv: list[str] | None = None) -> None:
    """Entry point: runs one verb and exits with its code."""
    words = sys.argv[1:] if argv is None else argv
    try:
        code = app()(words, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        _fail(words, str(error), "see --help of that verb", 2)
    except UsageError as error:
        _fail(words, error.message, error.fix, 2)
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
