"""Verbs on runs: demo, train, eval, compare, report, methods, doctor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from hicra.cli.common import COMMON, Common, Out, app


@app.command(sort_key=0)
def demo(*, out: Annotated[Path, Parameter(name=["-o", "--out"])] = Path("runs/demo"), common: Common = COMMON) -> None:
    """Run the whole way on the embedded task: sample, mine, tag, train GRPO and HICRA, evaluate, compare, report."""
    from hicra.demo import run_demo

    result = run_demo(out, seed=common.seed or 0, say=common.say)
    common.give(result, result["text"], then=f"open {result['report']}")


@app.command(sort_key=5)
def train(
    *,
    config: Annotated[Path | None, Parameter(help="YAML file; recipes/*/config.yaml are ready ones.")] = None,
    out: Annotated[Path, Parameter(name=["-o", "--out"], help="The run folder.")],
    set: Annotated[tuple[str, ...], Parameter(name="--set", negative="", help="Override: train.steps=20")] = (),
    method: Annotated[str | None, Parameter(help="Credit method, see `hicra methods`.")] = None,
    resume: Annotated[bool, Parameter(negative="", help="Go on from the newest checkpoint that verifies.")] = False,
    common: Common = COMMON,
) -> int:
    """Train a model with a credit method on TRL."""
    from hicra.config import load_config
    from hicra.progress import Steps
    from hicra.train import train as run

    resolved, notes = load_config(config, set, method, common.seed)
    for note in notes:
        common.say(f"note: {note}")
    with Steps(resolved.train.steps, f"{resolved.method.name} on {resolved.task.name}", common.quiet) as bar:
        result = run(resolved, out, resume=resume, say=bar.say, progress=bar.step)
    if result["interrupted"]:
        again = f"hicra train --config {config} -o {out} --resume" if config else f"hicra train -o {out} --resume"
        common.give(result, f"stopped after {result['steps']} steps, checkpoint saved", then=again)
        return 128 + int(result["interrupted"])
    shown = {key: result["final"].get(key) for key in ("hicra/accuracy", "eval/accuracy", "hicra/planning_share")}
    figures = ", ".join(f"{key} {value:.3f}" for key, value in shown.items() if value is not None)
    common.give(result, f"{result['steps']} steps in {out}: {figures}", then=f"hicra report {out} -o {out}/report.html")
    return 0


@app.command(name="eval", sort_key=7)
def evaluate(
    *,
    out: Annotated[Path, Parameter(name=["-o", "--out"], help="Folder of the evaluation; goes on from what is there.")],
    model: Annotated[str, Parameter(help="Model folder or name, or an endpoint's name for it.")] = "",
    data: Annotated[
        tuple[str, ...], Parameter(negative="", consume_multiple=True, help="Benchmark files, or tasks.")
    ] = (),
    samples: Annotated[
        tuple[str, ...], Parameter(negative="", consume_multiple=True, help="Saved samples in place of a model.")
    ] = (),
    preset: Annotated[str, Parameter(help="Named settings: paper, greedy; what else is given goes over them.")] = "",
    k: Annotated[str | None, Parameter(help="Of pass@k, as in 1,4,8; default 1.")] = None,
    n: Annotated[int | None, Parameter(help="Samples a question; default: the largest k.")] = None,
    temperature: Annotated[float | None, Parameter(help="Default 0.6.")] = None,
    top_p: Annotated[float | None, Parameter(help="Default 0.95.")] = None,
    max_new_tokens: Annotated[int | None, Parameter(help="Longest response; default 1024.")] = None,
    template: Annotated[str | None, Parameter(help="Prompt template by name, or a text with {question}.")] = None,
    questions: Annotated[int | None, Parameter(help="The first so many of each file; default all.")] = None,
    engine: Literal["transformers", "vllm", "endpoint"] | None = None,
    endpoint: Annotated[str | None, Parameter(help="Address of an OpenAI-compatible server.")] = None,
    mode: Annotated[
        Literal["boxed", "strict", "lenient"] | None, Parameter(help="Whose figure is the headline; default boxed.")
    ] = None,
    batch: Annotated[int | None, Parameter(help="Rows sampled at once.")] = None,
    workers: Annotated[int, Parameter(help="Processes that check answers.")] = 2,
    timeout: Annotated[float, Parameter(help="Seconds of checking an answer.")] = 2.0,
    common: Common = COMMON,
) -> None:
    """Evaluate a model, or saved samples, on benchmarks: avg@n, pass@k, intervals; resumable."""
    from hicra.evaluate import evaluate as run
    from hicra.evaluate import settings_of
    from hicra.progress import Bar

    given = {
        "k": k, "n": n, "temperature": temperature, "top_p": top_p, "max_new_tokens": max_new_tokens, "template": template,
        "questions": questions, "engine": engine, "endpoint": endpoint, "mode": mode, "batch": batch, "seed": common.seed,
    }  # fmt: skip
    settings = settings_of({key: value for key, value in given.items() if value is not None}, preset)
    with Bar(None, "eval", "samples", common.quiet) as bar:
        result = run(
            out=out, settings=settings, model=model, data=data, samples=samples, workers=workers, timeout=timeout,
            say=bar.say, progress=bar.show,
        )  # fmt: skip
    text = result.pop("text", "")
    common.give(result, text, then=f"hicra eval --samples {out} -o OTHER, or hicra report RUN...")


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


@app.command(sort_key=8)
def report(*runs: Path, out: Out = None, common: Common = COMMON) -> None:
    """Build one offline HTML page from run folders."""
    from hicra.errors import ConfigError
    from hicra.report import build_report

    if not runs:
        raise ConfigError("no run folder given", "hicra report RUN... -o FILE.html")
    result = build_report(list(runs), out or runs[0] / "report.html")
    common.give(result, f"{result['report']} ({result['bytes'] / 1000:.0f} kB)", then=f"open {result['report']}")


@app.command(sort_key=9)
def methods(*, common: Common = COMMON) -> None:
    """List the credit methods: what each needs, its settings and its source."""
    from hicra.credit import METHODS

    rows: list[dict[str, Any]] = [
        {"name": m.name, "kind": m.kind, "needs": list(m.needs), "settings": m.settings, "source": m.source}
        for m in METHODS.values()
    ]
    lines = [
        f"{row['name']:18} {', '.join(f'{k}={v}' for k, v in row['settings'].items()) or '-':22} {row['source']}"
        for row in rows
    ]
    common.give(
        {"methods": rows},
        "\n".join(lines),
        then="hicra train --config recipes/plan-execute/config.yaml --method NAME -o RUN",
    )


@app.command(sort_key=10)
def doctor(*, common: Common = COMMON) -> int:
    """Say what is installed, which engines are ready, and what to do about what is broken."""
    from hicra.doctor import examine

    result = examine()
    lines = [f"{name:16} {version or 'not installed'}" for name, version in result["versions"].items()]
    lines += [f"engine {name:9} {engine['note']}" for name, engine in result["engines"].items()]
    lines += [f"problem: {problem['what']}\n  fix: {problem['fix']}" for problem in result["problems"]]
    common.give(result, "\n".join(lines))
    return 1 if result["problems"] else 0
