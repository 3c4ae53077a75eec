"""The command line: verbs only. What a verb does stands in the module it imports when it runs, so that --help stays quick.

stdout is data, stderr is progress. Every verb takes --json (exactly one JSON object on stdout), --seed and -q.
Exit codes: 0 ok, 1 the input or a check failed, 2 usage; 130 and 143 after SIGINT and SIGTERM.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, CycloptsError, Group, Parameter

from hicra.errors import HicraError
from hicra.version import __version__

OnBad = Annotated[Literal["stop", "skip"], Parameter(help="At a bad line: stop, or skip and count it.")]
MaxBad = Annotated[float, Parameter(help="With --on-bad skip: the largest share of bad lines.")]
Out = Annotated[Path | None, Parameter(name=["-o", "--out"])]
Tokenizer = Annotated[str | None, Parameter(help="Folder with tokenizer.json; without it, words are counted.")]
LexiconArg = Annotated[str, Parameter(help="Built-in name (paper, paper-n3), folder made by mine, or text file.")]


@Parameter(name="*")
@dataclass(frozen=True)
class Common:
    """What every verb takes."""

    json: Annotated[bool, Parameter(negative="", help="Print exactly one JSON object.")] = False
    seed: Annotated[int | None, Parameter(help="Seed of whatever is drawn.")] = None
    quiet: Annotated[bool, Parameter(name=["-q", "--quiet"], negative="", help="No progress on stderr.")] = False

    def say(self, text: str) -> None:
        """Progress, on stderr."""
        if not self.quiet:
            print(text, file=sys.stderr, flush=True)

    def give(self, result: dict[str, Any], text: str, then: str = "") -> None:
        """The result on stdout: the JSON object, or the text; `then` is the next command, on stderr."""
        if self.json:
            from hicra.artifacts import canonical_json

            print(canonical_json(result, indent=None), end="")
        elif text:
            print(text)
        if then:
            self.say(f"next: {then}")


COMMON = Common()
app = App(
    name="hicra",
    help="Hierarchy-aware credit assignment: mine strategic grams, tag planning tokens, train, measure, report.",
    version=__version__,
    group_commands=Group("Verbs, in the order of the data", sort_key=0),
    help_format="plaintext",
)
app.command(
    corpus := App(name="corpus", help="Read rollouts of any engine, strictly.", help_format="plaintext", sort_key=1)
)
app.command(lexicon := App(name="lexicon", help="Look inside lexicons.", help_format="plaintext", sort_key=3))


@app.command(sort_key=0)
def demo(*, out: Annotated[Path, Parameter(name=["-o", "--out"])] = Path("runs/demo"), common: Common = COMMON) -> None:
    """Run the whole way on the embedded task: sample, mine, tag, train GRPO and HICRA, evaluate, compare, report."""
    from hicra.demo import run_demo

    result = run_demo(out, seed=common.seed or 0, say=common.say)
    common.give(result, result["text"], then=f"open {result['report']}")


@corpus.command
def inspect(*paths: Path, on_bad: OnBad = "stop", max_bad: MaxBad = 0.01, common: Common = COMMON) -> None:
    """Say which format was recognised, which columns map to what, and account for every line."""
    from hicra import corpus as reader

    result = reader.inspect(list(paths), on_bad, max_bad)
    lines = [f"{key:12} {result[key]}" for key in ("format", "rows", "kept", "skipped", "duplicates")]
    lines += [f"{name:12} from {origin}" for name, origin in result["columns"].items()]
    lines += [f"bad line     {bad['file']} {bad['line']}: {bad['reason']}" for bad in result["errors"]]
    common.give(result, "\n".join(lines), then=f"hicra mine {paths[0] if paths else 'PATH'} -o lexicon")


@app.command(sort_key=2)
def mine(
    *paths: Path,
    out: Annotated[Path, Parameter(name=["-o", "--out"])],
    n_min: int = 3,
    n_max: int = 5,
    min_df: Annotated[int, Parameter(help="An n-gram must occur in that many solutions.")] = 2,
    top_clusters: Annotated[float, Parameter(help="Share of clusters kept, by cluster document frequency.")] = 0.2,
    embedder: Annotated[str | None, Parameter(help="hashing or minilm; default: minilm where installed.")] = None,
    clusterer: str = "minibatch_kmeans",
    include_incorrect: Annotated[bool, Parameter(negative="")] = False,
    on_bad: OnBad = "stop",
    max_bad: MaxBad = 0.01,
    common: Common = COMMON,
) -> None:
    """Mine a lexicon of strategic grams from correct solutions."""
    from hicra.artifacts import refuse_existing
    from hicra.config import validated
    from hicra.mining.pipeline import MineSettings, mine_paths

    given = {
        "n_min": n_min, "n_max": n_max, "min_df": min_df, "top_clusters": top_clusters, "embedder": embedder,
        "clusterer": clusterer, "include_incorrect": include_incorrect, "seed": common.seed or 0,
    }  # fmt: skip
    settings = validated(MineSettings, given)
    refuse_existing(out, "the lexicon")
    common.say(f"mining {len(paths)} paths")
    made, report = mine_paths(list(paths), settings, on_bad=on_bad, max_bad=max_bad)
    made.save(out)
    text = (
        f"{report['grams']} grams in {report['clusters_kept']} of {report['clusters']} clusters, from {report['solutions']} "
        f"solutions and {report['ngrams']} n-grams ({report['embedded']} embedded)\nsha256 {report['content_hash']}"
    )
    common.give(report | {"lexicon": str(out)}, text, then=f"hicra tag {paths[0]} --lexicon {out}")


@lexicon.command
def show(
    name: LexiconArg, *, most: Annotated[int, Parameter(help="Grams printed.")] = 40, common: Common = COMMON
) -> None:
    """Print what a lexicon holds."""
    from hicra.lexicon import Lexicon
    from hicra.lexicon_view import show as view

    loaded = Lexicon.load(name)
    result, text = view(loaded, most)
    common.give(result, text, then=f"hicra tag PATH --lexicon {name}")


@lexicon.command
def diff(a: LexiconArg, b: LexiconArg, *, common: Common = COMMON) -> None:
    """What lexicon B adds to and lacks of A."""
    from hicra.lexicon import Lexicon

    result = Lexicon.load(a).diff(Lexicon.load(b))
    lines = [f"+ {gram}" for gram in result["added_grams"]] + [f"- {gram}" for gram in result["removed_grams"]]
    summary = f"{result['added']} added, {result['removed']} removed, {result['common']} common, Jaccard {result['jaccard']:.3f}"
    common.give(result, "\n".join([*lines, summary]))


@app.command(sort_key=4)
def tag(
    *paths: Path,
    lexicon: LexiconArg = "paper",
    tokenizer: Tokenizer = None,
    unit: Literal["gram", "sentence"] = "gram",
    out: Out = None,
    on_bad: OnBad = "stop",
    max_bad: MaxBad = 0.01,
    common: Common = COMMON,
) -> None:
    """Tag the planning spans of rollouts; -o OUT.parquet or OUT.jsonl keeps them."""
    from hicra.lexicon import Lexicon
    from hicra.tagging import tag_paths

    result = tag_paths(
        list(paths), Lexicon.load(lexicon), tokenizer=tokenizer, unit=unit, out=out, on_bad=on_bad, max_bad=max_bad
    )
    if not result["planning_chars"]:
        print(
            f"warning: lexicon {lexicon!r} matches nothing in these {result['rows']} rows; see `hicra lexicon show {lexicon}`",
            file=sys.stderr,
        )
    kind = result["token_kind"]
    text = (
        f"{result['planning_tokens']} of {result['tokens']} {kind} are planning ({result['planning_share']:.2%}), "
        f"in {result['rows']} rows; {result['tokens_per_second']:,.0f} {kind} a second"
    )
    common.give(result, text, then="" if out else "the same with -o tagged.parquet to keep the spans")


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


@app.command(sort_key=6)
def diagnose(
    *paths: Path,
    lexicon: LexiconArg = "paper",
    tokenizer: Tokenizer = None,
    out: Annotated[
        Path | None, Parameter(name=["-o", "--out"], help="Also write a run folder that report reads.")
    ] = None,
    on_bad: OnBad = "stop",
    max_bad: MaxBad = 0.01,
    common: Common = COMMON,
) -> None:
    """Measure the rollouts of any run: every metric that the rows allow, per step."""
    from hicra.diagnose import diagnose as measure
    from hicra.lexicon import Lexicon

    result = measure(list(paths), Lexicon.load(lexicon), tokenizer=tokenizer, out=out, on_bad=on_bad, max_bad=max_bad)
    from hicra.progress import step_table

    common.give(
        result,
        step_table(result["steps"]),
        then=f"hicra report {out}" if out else "the same with -o RUN, then hicra report RUN",
    )


@app.command(sort_key=7)
def report(*runs: Path, out: Out = None, common: Common = COMMON) -> None:
    """Build one offline HTML page from run folders."""
    from hicra.errors import ConfigError
    from hicra.report import build_report

    if not runs:
        raise ConfigError("no run folder given", "hicra report RUN... -o FILE.html")
    result = build_report(list(runs), out or runs[0] / "report.html")
    common.give(result, f"{result['report']} ({result['bytes'] / 1000:.0f} kB)", then=f"open {result['report']}")


@app.command(sort_key=8)
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


@app.command(sort_key=9)
def doctor(*, common: Common = COMMON) -> int:
    """Say what is installed, which engines are ready, and what to do about what is broken."""
    from hicra.doctor import examine

    result = examine()
    lines = [f"{name:16} {version or 'not installed'}" for name, version in result["versions"].items()]
    lines += [f"engine {name:9} {engine['note']}" for name, engine in result["engines"].items()]
    lines += [f"problem: {problem['what']}\n  fix: {problem['fix']}" for problem in result["problems"]]
    common.give(result, "\n".join(lines))
    return 1 if result["problems"] else 0


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


if __name__ == "__main__":
    main()
