"""`hicra diagnose`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from hicra.cli.common import (
    UNDRAWN,
    LexiconArg,
    Overwrite,
    Rollouts,
    Tokenizer,
    Undrawn,
    Unit,
    lexicon_line,
    load_lexicon,
    tokenizer_folder,
)
from hicra.cli.reading import READ_OPTIONS, ReadOptions, warn_of_rest
from hicra.drawing.readable import argument


def diagnose(
    *paths: Rollouts,
    lexicon: LexiconArg = "planning",
    tokenizer: Tokenizer = None,
    unit: Unit = None,
    by: Annotated[
        str | None, Parameter(help="A column whose values are arms, as model or stage: each is measured apart.")
    ] = None,
    apart: Annotated[
        bool,
        Parameter(
            negative="", help="Each PATH is a run of its own; they are set side by side and compared by question."
        ),
    ] = False,
    baseline: Annotated[
        str | None, Parameter(help="The arm that the others are compared with; the default is the first.")
    ] = None,
    out: Annotated[
        Path | None,
        Parameter(
            name=["-o", "--out"],
            help="Also write a run folder for `hicra report`; with --by it holds one for each arm.",
        ),
    ] = None,
    wide: Annotated[
        bool, Parameter(negative="", help="Print all metrics in the table, however wide; --json always has them.")
    ] = False,
    judge: Annotated[
        str,
        Parameter(
            help="Address of an OpenAI-compatible server whose model names the kind of each failure, for example "
            "http://localhost:8000/v1. Questions, references and responses are sent to it."
        ),
    ] = "",
    judge_model: Annotated[str, Parameter(help="The server's name of the judge model.")] = "",
    judge_limit: Annotated[
        int, Parameter(help="Failures that are judged, at most, of the first and of the last fifth of the steps.")
    ] = 200,
    model: Annotated[
        str | None,
        Parameter(
            help="Folder of a language model, or a built-in name: it scores the tokens, for entropies and log-probabilities "
            "where the rollouts lack them."
        ),
    ] = None,
    model_limit: Annotated[
        int,
        Parameter(help="Rows of each step that the model scores, at most, whole prompts spread over it; 0 for all."),
    ] = 0,
    rescore: Annotated[
        bool,
        Parameter(
            negative="", help="The model scores also rows with entropies and logprobs of their own, and replaces these."
        ),
    ] = False,
    measure_signal: Annotated[
        bool,
        Parameter(
            name="--signal",
            negative="",
            help="Also measure at the model where the learning signal of these rollouts is, by kind of token.",
        ),
    ] = False,
    attention: Annotated[
        bool,
        Parameter(
            negative="",
            help="Also read from the model how much later tokens attend to planning tokens, and to execution tokens.",
        ),
    ] = False,
    backend: Annotated[
        Literal["local", "ray"], Parameter(help="Where to tag and measure; ray does the same on a cluster.")
    ] = "local",
    workers: Annotated[int, Parameter(help="Number of processes; the result does not depend on it.")] = 1,
    overwrite: Overwrite = False,
    reading: ReadOptions = READ_OPTIONS,
    common: Undrawn = UNDRAWN,
) -> None:
    """Compute every metric that the rollouts of any run allow, step by step.

    Below the table stand the findings: what the run shows, and what goes wrong in it.
    """
    from hicra.cli.asked_model import asked_model
    from hicra.cli.finding_lines import finding_lines, left_out_line
    from hicra.cli.pair_lines import pair_lines
    from hicra.cli.progress import Bar
    from hicra.cli.score_text import score_text
    from hicra.cli.step_table import step_table, width_of_stdout
    from hicra.cli.suggested import Stands
    from hicra.diagnose.apart import run_names
    from hicra.diagnose.diagnose import diagnose as measure
    from hicra.findings.judged_errors import judge_of

    loaded = load_lexicon(lexicon, common)
    with (
        asked_model(model, tokenizer, model_limit, rescore, measure_signal, attention, common.quiet) as scoring,
        # scoring has a bar of its own
        Bar(None, "diagnosing", "row", common.quiet or common.json or scoring is not None) as bar,
    ):
        result = measure(
            list(paths), loaded, tokenizer=tokenizer_folder(tokenizer), unit=unit, out=out, by=by,
            overwrite=overwrite, read_too=[lexicon, *(name for name in (tokenizer, model) if name)],
            judge=judge_of(judge, judge_model, judge_limit), workers=workers, backend=backend, apart=apart, baseline=baseline,
            scoring=scoring, progress=bar.show, **reading.options(),
        )  # fmt: skip
    result["lexicon"] = {"name": loaded.name, "grams": len(loaded), "content_hash": loaded.content_hash}
    for warning in [*result["warnings"], reading.told(result["skipped"])]:
        common.warn(warning)
    warn_of_rest(result, common, paths, result["duplicates"])
    written = [arm["run_dir"] for arm in result["arms"]] if "arms" in result else [out]
    runs = [argument(run) for run in written] if out else []
    of_arm = dict(zip(run_names(paths), paths, strict=True)) if apart else {}
    common.give(
        result,
        step_table(result["steps"], result["counts"], result["intervals"], None if wide else width_of_stdout())
        + left_out_line(result["left_out"])
        + f"\n{lexicon_line(loaded, unit)}"
        + finding_lines(
            result["findings"], result["not_seen"], result["unlooked"], Stands(paths, of_arm, reading, runs)
        )
        + pair_lines(result.get("pairs", ()))
        + score_text(result),
        then=f"hicra report {shlex.join(runs)} -o report.html"
        if out
        else "the same with -o RUN, then hicra report RUN",
    )
