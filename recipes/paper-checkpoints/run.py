"""Samples, diagnoses and compares a published pair of models: one that its authors trained with HICRA, one with GRPO alone.

    python recipes/paper-checkpoints/run.py --pair qwen25-7b --data aime24=aime24.jsonl -o runs/paper-pair --engine vllm

The authors of the paper put checkpoints on the hub (collection JasperHaozhe/hicra, August 2025). This recipe knows the names of
the repositories and no more: it was written and tested without them. Nothing in a repository is run: only safetensors, JSON and
text files are downloaded.

Deviations (the authors describe no comparison of these files):
CHECKPOINT-1. Which repositories are a pair is read from their names ("hipo" is HICRA, "cliphigh_baseline" is GRPO with
    clip-higher), and their owner from the collection's; --hicra and --grpo name others, or folders.
CHECKPOINT-2. Both models answer the same questions with the same seeds, with hicra's prompt and the paper's temperature and
    top-p.
CHECKPOINT-3. Intervals are t intervals over the questions' paired differences. There is one model an arm, so they say how
    these two models differ on questions like these, and nothing of what another training run would give.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hicra import Lexicon, Tagger, stats
from hicra.artifacts import canonical_json, check_output, write_text
from hicra.diagnose.diagnose import diagnose
from hicra.errors import ConfigError, DataError, HicraError, did_you_mean
from hicra.evaluate.evaluate import evaluate
from hicra.evaluate.settings import settings_of
from hicra.generation.interface import Generator
from hicra.generation.models import MODELS
from hicra.generation.open import open_generator
from hicra.install import install_command
from hicra.lexicon.hub import is_repo
from hicra.report import build_report

ARMS = ("grpo", "hicra")
PAIRS = {
    "qwen25-7b": {"hicra": "JasperHaozhe/qw25_7b_hipo", "grpo": "JasperHaozhe/qw25_7b_cliphigh_baseline"},
    "qwen3-4b-base": {"hicra": "JasperHaozhe/qw3_4b_base_hipo", "grpo": "JasperHaozhe/qw3_4b_cliphigh_baseline"},
    "qwen3-4b-instruct": {"hicra": "JasperHaozhe/qw3-4B-ins-hipo", "grpo": "JasperHaozhe/qw3-4B-ins-cliphigh-baseline"},
}
FILES = ("*.safetensors", "*.json", "*.jinja", "*.txt", "*.model")  # no pickle, no code
METRICS = {
    "accuracy": "share of samples that are right",
    "length": "tokens of a response",
    "planning_share": "share of characters in planning spans",
    "truncated": "share of responses that were cut",
}

Say = Callable[[str], None]


def model_of(name: str, revision: str | None, say: Say) -> str:
    """Returns what `hicra eval --model` takes: a folder or a built-in name as it is, a repository of the hub downloaded.

    Raises:
        ConfigError: it is none of these, `huggingface_hub` is not installed, or the hub does not give it.
    """
    if name in MODELS or Path(name).is_dir():
        if revision is not None:
            raise ConfigError(f"{name} is no repository, so it has no revision", "leave out the revision")
        return name
    if not is_repo(name):
        raise ConfigError(f"there is no model {name!r}", "give a folder, or OWNER/NAME of the hub")
    try:
        from huggingface_hub import HfApi
    except ImportError:
        raise ConfigError(
            "models of the hub need huggingface_hub, which is not installed", install_command("hub")
        ) from None
    site = (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")
    say(f"hub: asking {site} for the model {name} ({revision or 'newest revision'})")
    try:
        folder = HfApi(endpoint=site).snapshot_download(name, revision=revision, allow_patterns=list(FILES))
    except Exception as error:  # the hub, the network and the disk may say anything
        line = (str(error).strip() or type(error).__name__).partition("\n")[0]
        raise ConfigError(
            f"{name} cannot be had from {site}: {line}",
            "check name and network, or name a folder with --hicra and --grpo",
        ) from None
    say(f"hub: {name} is at revision {Path(folder).name}")
    return str(folder)


def run(
    models: Mapping[str, str],
    data: Sequence[str],
    out: Path,
    *,
    lexicon: str = "planning",
    sampling: Mapping[str, Any] | None = None,
    resume: bool = False,
    say: Say = print,
    generator: Callable[..., Generator] = open_generator,
) -> dict[str, Any]:
    """Samples and measures both models, and writes folders, report.html and comparison.json below `out`.

    Args:
        models: arm -> folder or built-in name.
        data: as `hicra eval --data` takes it.
        sampling: settings of `hicra eval`; what is not given is as its preset `paper` has it, but for the number of samples.
        generator: opens what samples; for tests.

    Returns:
        {questions, arms {arm: model}, metrics {name: {grpo, hicra, difference, interval, questions}}, report}.
    """
    loaded = Lexicon.load(lexicon)
    settings = settings_of({"n": 8, **(sampling or {})}, "paper")
    tables, runs = {}, []
    for arm in ARMS:
        say(f"{arm}: {models[arm]}")
        done = evaluate(
            out=out / arm / "eval", settings=settings, model=models[arm], data=data, resume=resume, say=say,
            generator=generator,
        )  # fmt: skip
        samples = Path(done["samples"])
        tables[arm] = measured(pl.read_parquet(samples), loaded)
        observed = out / arm / "run"
        diagnose([samples], loaded, tokenizer=None, out=observed, on_bad="stop", max_bad=0.0, overwrite=resume)
        runs.append(observed)
    result: dict[str, Any] = {
        "arms": dict(models), "lexicon": loaded.name, "settings": settings.recorded(),
        "metrics": compared(tables["grpo"], tables["hicra"]), "report": str(out / "report.html"),
    }  # fmt: skip
    build_report(runs, out / "report.html")
    write_text(out / "comparison.json", canonical_json(result))
    return result


def measured(samples: pl.DataFrame, lexicon: Lexicon) -> pl.DataFrame:
    """Returns the mean of each metric by question: file, group_id, and the columns of `METRICS` (null where unknown)."""
    spans = Tagger(lexicon, unit=None).spans_batch(samples["response"].to_list())
    marked = [sum(end - start for start, end in _union(one)) for one in spans]
    rows = samples.with_columns(marked=pl.Series(marked, dtype=pl.Int64), chars=pl.col("response").str.len_chars())
    return rows.group_by("file", "group_id", maintain_order=True).agg(
        accuracy=pl.col("correct").mean(),
        length=pl.col("tokens").mean(),
        planning_share=pl.when(pl.col("chars").sum() > 0).then(pl.col("marked").sum() / pl.col("chars").sum()),
        truncated=pl.col("truncated").mean(),
    )


def _union(spans: Sequence[tuple[int, int, str]]) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    for start, end, _ in spans:
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out


def compared(grpo: pl.DataFrame, hicra: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """Compares the arms by question: {metric: {grpo, hicra, difference, interval, questions}}, over the questions known in both.

    Raises:
        DataError: the arms answered different questions, or fewer than two.
    """
    both = grpo.join(hicra, on=["file", "group_id"], how="inner", suffix="_hicra", maintain_order="left")
    if not both.height == grpo.height == hicra.height or both.height < 2:
        raise DataError(
            f"the arms answered {grpo.height} and {hicra.height} questions, {both.height} of them both",
            "compare at least two questions, the same for both",
        )
    found: dict[str, dict[str, Any]] = {}
    for metric in METRICS:
        pairs = both.select(metric, f"{metric}_hicra").drop_nulls().to_numpy().astype(np.float64)
        if len(pairs) < 2:  # such as lengths, where an endpoint counts no tokens
            found[metric] = {"grpo": None, "hicra": None, "difference": None, "interval": None, "questions": len(pairs)}
            continue
        differences = pairs[:, 1] - pairs[:, 0]
        found[metric] = {
            "grpo": float(pairs[:, 0].mean()), "hicra": float(pairs[:, 1].mean()), "difference": float(differences.mean()),
            "interval": list(stats.question_interval(differences[None])), "questions": len(pairs),
        }  # fmt: skip
    return found


def lines(result: Mapping[str, Any]) -> list[str]:
    """Returns the comparison as text."""
    out = [f"{'':38} {'GRPO':>9} {'HICRA':>9}   difference, 95 % over questions"]
    for metric, says in METRICS.items():
        one = result["metrics"][metric]
        if one["difference"] is None:
            out.append(f"{says:38} not known")
            continue
        low, high = one["interval"]
        out.append(
            f"{says:38} {one['grpo']:9.3f} {one['hicra']:9.3f}   {one['difference']:+.3f} ({low:+.3f} to {high:+.3f}; "
            f"{one['questions']} questions)"
        )
    return [*out, "One model an arm: this says nothing of what another training run would give."]


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; exit code 0, or 1 where an input is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pair", default="qwen25-7b", help=f"one of {', '.join(PAIRS)}")
    for arm in ARMS:
        parser.add_argument(
            f"--{arm}", help=f"folder or repository of the model of the arm {arm}, in place of the pair's"
        )
        parser.add_argument(f"--{arm}-revision", help="its commit; the newest where none is given")
    parser.add_argument("--data", nargs="+", required=True, help="benchmark files, as for `hicra eval --data`")
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--lexicon", default="planning")
    parser.add_argument("--resume", action="store_true", help="go on with what is in the folder")
    for name, kind in (("engine", str), ("n", int), ("questions", int), ("max-new-tokens", int), ("seed", int)):
        parser.add_argument(f"--{name}", type=kind, help="as for `hicra eval`")
    asked = parser.parse_args(arguments)
    given = {name: getattr(asked, name) for name in ("engine", "n", "questions", "max_new_tokens", "seed")}
    try:
        if asked.pair not in PAIRS:
            raise ConfigError(f"there is no pair {asked.pair!r}", did_you_mean(asked.pair, PAIRS))
        if not asked.resume:
            check_output(
                asked.out, "the folder", folder=True, inputs=[asked.hicra, asked.grpo], resume=True, replaces=False
            )
        names = {arm: getattr(asked, arm) or PAIRS[asked.pair][arm] for arm in ARMS}
        models = {arm: model_of(name, getattr(asked, f"{arm}_revision"), _tell) for arm, name in names.items()}
        sampling = {name: value for name, value in given.items() if value is not None}
        result = run(
            models, asked.data, asked.out, lexicon=asked.lexicon, sampling=sampling, resume=asked.resume, say=_tell
        )
    except HicraError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print("\n".join(lines(result)))
    _tell(f"next: open {result['report']}")
    return 0


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
