"""The command line; each verb is a file here that is imported when the verb is called, so that `hicra --help` is fast.

Data goes to stdout, progress to stderr. Every verb takes --json (exactly one JSON object on stdout), --seed and -q. An output
that exists is refused unless --overwrite is given. The exit code is 0 for success, 1 if the input is wrong, a check failed or the
system did not let us read or write a file, 2 for wrong usage, and 130 or 143 after SIGINT or SIGTERM.

To add a verb, write a file with a function of its name, and a line in the table below.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any, NoReturn

from cyclopts import App, CycloptsError, Group, Parameter, UnusedCliTokensError

from hicra.errors import HicraError, UsageError, refused_by_system, system_error
from hicra.version import __version__

# in the order in which data pass through them; `hicra --help` shows the text, which is the first line of the function's docstring
VERBS = {
    "demo": "Show the whole way on the embedded task: sample, mine, tag, measure the learning signal, train two arms, report.",
    "corpus inspect": "Show the recognised format, the meaning of each column, and what became of every line.",
    "corpus overlap": "List training rows that hold a benchmark question, as a whole or by 13 words in a row.",
    "mine": "Mine a lexicon of strategic grams from correct solutions.",
    "lexicon show": "Print what a lexicon holds: clusters with their members, the most frequent first.",
    "lexicon diff": "Show which grams lexicon B adds to lexicon A, and which it lacks.",
    "lexicon merge": "Write the union of lexicons.",
    "lexicon select": "Write the grams of a lexicon that have a given number of words or document frequency.",
    "lexicon score": "Score a lexicon against labelled traces: precision, recall, F1 and lift, with intervals.",
    "lexicon fit": "Fit a weighted lexicon to labelled traces, cross-validated by question.",
    "lexicon sheet": "Write a blind sheet on which people mark phrases of a lexicon and random ones, and its key.",
    "lexicon agree": "Read filled sheets: the share of phrases that people call strategic, and how far they agree.",
    "lexicon push": "Publish a lexicon with its card as a data set of the Hugging Face hub.",
    "tag": "Tag the planning spans of rollouts; -o OUT.parquet or OUT.jsonl saves them.",
    "verify": "Judge answers: give a verdict to each row of id, completion and gold.",
    "train": "Train a model with a credit method.",
    "watch": "Show a run in the terminal while it goes on: curves, findings and the latest tagged rollout.",
    "eval": "Sample answers to benchmark questions, verify them, and report avg@n and pass@k with intervals.",
    "signal": "Measure at a fixed model where the learning signal is, by kind of token, and what a step of each method is worth.",
    "diagnose": "Compute every metric that the rollouts of any run allow, step by step.",
    "compare": "Compare arms with a baseline, paired by seed, from run folders or a table of arm, seed and value.",
    "report": "Build one offline HTML page from run folders.",
    "view": "Serve the page of run folders on this machine, with search over all of their rollouts.",
    "export": "Write run folders for other tools: tidy Parquet tables, or logs of Inspect.",
    "methods": "List the baselines, credit methods (shapers), losses and presets, or show one whole.",
    "doctor": "Show what is installed, which engines are ready, and how to repair what is broken.",
}
GROUPS = {
    "corpus": "Read rollouts of any engine, strictly.",
    "lexicon": "Show, combine, score, fit, check and publish lexicons.",
}


def app() -> App:
    """The program with its verbs, none of them imported yet."""
    top = App(
        name="hicra",
        help="Hierarchy-aware credit assignment: mine strategic grams, tag planning tokens, train, evaluate and report.",
        version=__version__,
        group_commands=Group("Verbs, in the order of the data", sort_key=0),
        help_format="plaintext",
        default_parameter=Parameter(show_default=_shown),
        suppress_keyboard_interrupt=False,  # else cyclopts exits without a word, and without the object of --json
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


def _shown(default: Any) -> str | None:
    """Returns the default of an option for its help; a flag that is off and an empty text or list show none."""
    return None if default is None or default is False or default in ("", ()) else str(default)


def main(argv: list[str] | None = None) -> None:
    """Runs one verb and exits with its code; this is the entry point."""
    from hicra.workers.signals import cleans_up_on_sigint

    words = sys.argv[1:] if argv is None else argv
    with cleans_up_on_sigint():
        _run(words)


def _run(words: list[str]) -> NoReturn:
    """Runs one verb, says what went wrong, and exits with its code."""
    try:
        code = app()(words, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        _fail(words, *_misused(words, error), 2)
    except UsageError as error:
        _fail(words, error.message, error.fix, 2)
    except HicraError as error:
        _fail(words, error.message, error.fix, 1)
    except KeyboardInterrupt:
        _fail(words, "interrupted", "", 130)
    except BrokenPipeError:  # whoever read our output has gone
        _close_stdout()
        sys.exit(1)
    except Exception as error:
        if (said := system_error(error)) is None:
            raise
        refused = refused_by_system(said, str(said.filename or "the operating system refused a call"))
        _fail(words, refused.message, refused.fix, 1)
    sys.exit(code if isinstance(code, int) else 0)


def _misused(words: list[str], error: CycloptsError) -> tuple[str, str]:
    """Returns what is wrong with a command line, and the command that shows how it is written."""
    verb = next((one for one in (" ".join(words[:2]), *words[:1]) if one in VERBS or one in GROUPS), "")
    called = " ".join(["hicra", *verb.split()])
    unused = getattr(error, "unused_tokens", None) or ()
    if "--map" in words and any("=" in word for word in unused):
        return str(error), "repeat --map for each field"
    if "-" in words:
        from hicra.corpus.files import NO_STDIN

        return f"-: {NO_STDIN[0]}", NO_STDIN[1]
    if isinstance(error, UnusedCliTokensError):
        return f"{called} has no place for {' '.join(map(repr, unused))}", f"{called} --help"
    return str(error), f"{called} --help"


def _fail(words: list[str], message: str, fix: str, code: int) -> None:
    if "--json" in words:
        import json

        try:
            print(json.dumps({"error": message, "fix": fix}), flush=True)
        except OSError:
            _close_stdout()
    from hicra.drawing.readable import harmless

    said = f"error: {message}" + (f"\n  fix: {fix}" if fix else "")
    with contextlib.suppress(OSError):
        print(harmless(said), file=sys.stderr)  # names of files and columns are whatever somebody else chose
    sys.exit(code)


def _close_stdout() -> None:
    """Lets what is left in the buffer of stdout go nowhere, since Python would try to write it once more at its end."""
    with contextlib.suppress(OSError, ValueError):  # stdout may be no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
