"""Verbs on results: eval, compare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from hicra.cli.common import COMMON, Common, app


@app.command(name="eval", sort_key=7)
def evaluate(
    *,
    model: Annotated[str, Parameter(help="Folder, built-in name, or the endpoint's name for it.")] = "",
    data: Annotated[
        tuple[str, ...],
        Parameter(
            consume_multiple=True,
            negative="",
            help="FILE or KIND=FILE (gsm8k=test.jsonl), or plan_execute, arithmetic.",
        ),
    ] = (),
    samples: Annotated[
        tuple[str, ...], Parameter(consume_multiple=True, negative="", help="Saved samples instead of a model.")
    ] = (),
    out: Annotated[Path, Parameter(name=["-o", "--out"], help="Folder of samples and result.")],
    k: Annotated[str, Parameter(help="pass@k for these k, as in 1,4,8.")] = "1",
    n: Annotated[int | None, Parameter(help="Samples a question; default: the largest k.")] = None,
    preset: Annotated[Literal["", "paper", "greedy"], Parameter(help="Sampling, prompt and mode by name.")] = "",
    temperature: Annotated[float | None, Parameter(help="Default 0.6; 0 is greedy.")] = None,
    top_p: Annotated[float | None, Parameter(help="Default 0.95.")] = None,
    max_new_tokens: Annotated[int | None, Parameter(help="Default 1024.")] = None,
    template: Annotated[str | None, Parameter(help="Prompt template, or a text that holds {question}.")] = None,
    mode: Annotated[
        Literal["boxed", "strict", "lenient"] | None, Parameter(help="Whose figure is the headline; all are given.")
    ] = None,
    questions: Annotated[int | None, Parameter(help="The first so many of each file.")] = None,
    engine: Annotated[Literal["transformers", "vllm"] | None, Parameter(help="What samples.")] = None,
    endpoint: Annotated[str | None, Parameter(help="OpenAI-compatible address, http://localhost:8000/v1.")] = None,
    batch: Annotated[int | None, Parameter(help="Rows sampled at once.")] = None,
    threads: Annotated[int | None, Parameter(help="Of torch.")] = None,
    workers: Annotated[int, Parameter(help="Processes of the verifier.")] = 2,
    timeout: Annotated[float, Parameter(help="Seconds an answer may take the verifier.")] = 2.0,
    resume: Annotated[bool, Parameter(help="Go on from what is in the folder.")] = True,
    common: Common = COMMON,
) -> None:
    """Sample answers to benchmark questions, verify them, and give avg@n and pass@k with intervals."""
    from hicra.cli.progress import Bar
    from hicra.evaluate import evaluate as run
    from hicra.evaluate import settings_of

    given = {
        "k": k, "n": n, "temperature": temperature, "top_p": top_p, "max_new_tokens": max_new_tokens,
        "template": template, "mode": mode, "questions": questions, "engine": engine, "endpoint": endpoint,
        "batch": batch, "threads": threads, "seed": common.seed,
    }  # fmt: skip
    settings = settings_of({key: value for key, value in given.items() if value is not None}, preset)
    with Bar(None, "eval", "sample", common.quiet) as bar:
        result = run(
            out=out, settings=settings, model=model, data=data, samples=samples, resume=resume, workers=workers,
            timeout=timeout, say=bar.say, progress=bar.show,
        )  # fmt: skip
    for warning in result["warnings"]:
        common.warn(warning)
    common.give(
        {key: value for key, value in result.items() if key != "text"}, result["text"],
        then=f"hicra tag {result['samples']}",
    )  # fmt: skip


@app.command(sort_key=7)
def compare(
    *sources: Path,
    baseline: Annotated[str | None, Parameter(help="The arm that the others are compared with; default: none.")] = None,
    metric: Annotated[
        str | None,
        Parameter(help="NAME, at40:NAME, last10:NAME, auc:NAME, steps_to:0.5:NAME; of a table: its column."),
    ] = None,
    confidence: Annotated[float, Parameter(help="Of all intervals, and the level of the verdict.")] = 0.95,
    lower_is_better: Annotated[bool, Parameter(negative="", help="Less of the metric is better.")] = False,
    plot: Annotated[Path | None, Parameter(help="Also draw it: FILE.svg.")] = None,
    common: Common = COMMON,
) -> None:
    """Compare arms with a baseline, paired by seed: run folders, or a table with columns arm, seed, value."""
    from hicra.compare import compare as run
    from hicra.compare import render, save_plot

    result = run(
        list(sources), baseline, metric, confidence=confidence, lower_is_better=lower_is_better, seed=common.seed or 0
    )
    for said in result["warnings"]:
        common.warn(said)
    if plot:
        result["plot"] = str(save_plot(result, plot))
    common.give(
        result, render(result), then="hicra report RUN..." if plot else "the same with --plot FILE.svg to see it"
    )
