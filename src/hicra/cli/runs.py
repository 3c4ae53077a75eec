"""Verbs on runs: demo, train, report, methods, doctor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

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
    from hicra.cli.progress import Steps
    from hicra.engines.train import train as run
    from hicra.runs.config import load_config

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
    """List baselines, credit methods (shapers) and losses: what each needs, its settings and its source."""
    from hicra.credit import BASELINES, LOSSES, METHODS

    rows: list[dict[str, Any]] = [
        {"name": e.name, "kind": e.kind, "needs": list(e.needs), "settings": e.settings, "source": e.source}
        for e in (*BASELINES.values(), *METHODS.values(), *LOSSES.values())
    ]
    lines = [
        f"{row['kind']:9} {row['name']:18} {', '.join(f'{k}={v}' for k, v in row['settings'].items()) or '-':31} {row['source']}"
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
    from hicra.cli.doctor import examine

    result = examine()
    lines = [f"{name:16} {version or 'not installed'}" for name, version in result["versions"].items()]
    lines += [f"engine {name:9} {engine['note']}" for name, engine in result["engines"].items()]
    lines += [f"problem: {problem['what']}\n  fix: {problem['fix']}" for problem in result["problems"]]
    common.give(result, "\n".join(lines))
    return 1 if result["problems"] else 0
