"""Claim: a change made nothing slower. Two checkouts, the same work, in turn, each in processes of its own.

    python benchmarks/compare_checkouts.py --before OTHER_CHECKOUT --rollouts FILE... -o benchmarks/baselines/NAME.json

Measured, by what both checkouts offer to scripts: `hicra --help` and `hicra mine --help` (CPU seconds); `Tagger.mask` with 249
and 1,000 grams (tokens a CPU second); `hicra mine` with the hashing embedder (CPU seconds); the verifier on plain answers and
on ones that need algebra (answers a CPU second of this process and its workers); and what `HicraGRPOTrainer` takes for a step of
a tiny model (CPU seconds, generation included). Ratios are after over before, from medians; each has both medians and their
spread beside it. One thread everywhere.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from machine import finish, machine

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "HICRA_VECTORS": "off",
    "TRL_EXPERIMENTAL_SILENCE": "1",
}  # fmt: skip
MOST = 1.1  # the largest ratio of times that still counts as nothing slower, on a machine that others use too


# ---- the work, in a process of its own; prints one number
def cpu() -> float:
    """CPU seconds of this process and of the children that it waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def best_of(work: Callable[[], Any], repeats: int) -> float:
    """The least CPU seconds of several turns."""
    spent = []
    for _ in range(repeats):
        start = cpu()
        work()
        spent.append(cpu() - start)
    return min(spent)


def tagging(grams: int, rollouts: list[str]) -> float:
    """Tokens a CPU second of `Tagger.mask`, byte-level tokens made from the rollouts' own text."""
    import numpy as np
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    from hicra import Lexicon, Tagger, corpus

    texts = [text for text in corpus.read(rollouts).rows["response"].to_list() if text][:400]
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer, bpe.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator(
        texts[:100], trainers.BpeTrainer(vocab_size=8000, initial_alphabet=alphabet, show_progress=False)
    )
    rows = [encoded.ids[:4096] for encoded in bpe.encode_batch(texts)]
    ids = np.zeros((len(rows), max(map(len, rows))), np.int64)
    live = np.zeros(ids.shape, bool)
    for number, row in enumerate(rows):
        ids[number, : len(row)], live[number, : len(row)] = row, True
    words = sorted({" ".join(text.split()[i : i + 3]).lower() for text in texts for i in range(0, 60, 3)})
    paper = Lexicon.load("paper").phrases
    more = [gram for gram in words if gram.replace(" ", "").isalpha()][: max(0, grams - len(paper))]
    tagger = Tagger(Lexicon.from_phrases([*paper, *more]), bpe)
    return float(live.sum()) / best_of(lambda: tagger.mask(ids, live), 7)


def verifying(algebra: bool) -> float:
    """Answers a CPU second, workers included."""
    from hicra import verify

    if algebra:
        pairs = [(rf"\boxed{{x^2+{n}x+{n}}}", f"{n}+x({n}+x)") for n in range(2, 122)]
    else:
        pairs = [(rf"So it is \boxed{{{n},000.50}}.", f"{n}000.5") for n in range(1, 1000)] * 4
    start = cpu()
    with verify.Verifier(workers=1, timeout=20) as verifier:
        answers = verifier.check([pair[0] for pair in pairs], [pair[1] for pair in pairs])
    assert all(answer.verdict == "correct" for answer in answers)
    return len(pairs) / (cpu() - start)


def step() -> float:
    """CPU seconds of a step of a tiny model, the least of twelve."""
    sys.path.insert(0, str(ROOT / "tests" / "support"))
    import trl_tiny

    spent: list[float] = []

    class Timed(trl_tiny.HicraGRPOTrainer):  # type: ignore[misc]
        def training_step(self, *args: Any, **kwargs: Any) -> Any:
            start = cpu()
            loss = super().training_step(*args, **kwargs)
            spent.append(cpu() - start)
            return loss

    with tempfile.TemporaryDirectory() as folder:
        trl_tiny.run(Path(folder), trainer=Timed, max_steps=12)
    return min(spent[2:])


# ---- the comparison
def seconds(command: list[str], source: Path) -> float:
    """CPU seconds of a command that imports hicra from a checkout."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True, env=environment(source))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def number(command: list[str], source: Path) -> float:
    """What this file prints when it does the work with hicra from a checkout."""
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment(source))
    return float(done.stdout.strip().splitlines()[-1])


def environment(source: Path) -> dict[str, str]:
    return os.environ | ENVIRONMENT | {"PYTHONPATH": os.pathsep.join([str(source / "src"), str(Path(__file__).parent)])}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--before", type=Path, required=True, help="the other checkout")
    parser.add_argument("--rollouts", nargs="+", default=[], help="files of real rollouts")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--work", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        name, *rest = given.work
        work = {"tag": lambda: tagging(int(rest[0]), given.rollouts), "verify": lambda: verifying(rest[0] == "algebra")}
        print(work.get(name, step)())
        return 0
    rollouts = [str(Path(path).resolve()) for path in given.rollouts]
    cli = [sys.executable, "-c", "from hicra.cli import main; main()"]
    mine = [*cli, "mine", *rollouts, "--preset", "paper", "--embedder", "hashing", "-q", "-o"]
    own = [sys.executable, str(Path(__file__).resolve()), "--before", ".", "--rollouts", *rollouts, "--work"]
    works: dict[str, tuple[Callable[[list[str], Path], float], list[str], bool]] = {
        "hicra --help, CPU s": (seconds, [*cli, "--help"], False),
        "hicra mine --help, CPU s": (seconds, [*cli, "mine", "--help"], False),
        "Tagger.mask, 249 grams, tokens a CPU s": (number, [*own, "tag", "249"], True),
        "Tagger.mask, 1,000 grams, tokens a CPU s": (number, [*own, "tag", "1000"], True),
        "hicra mine, CPU s": (seconds, mine, False),
        "verifier, plain answers a CPU s": (number, [*own, "verify", "plain"], True),
        "verifier, algebra, answers a CPU s": (number, [*own, "verify", "algebra"], True),
        "GRPO step with hicra, CPU s": (number, [*own, "step"], False),
    }
    report: dict[str, Any] = {"claim": __doc__.splitlines()[0], **machine("polars", "trl"), "most": MOST, "rows": {}}
    for name, (measure, command, more_is_better) in works.items():
        values: dict[str, list[float]] = {"before": [], "after": []}
        for turn in range(given.repeats):
            for side in ("before", "after") if turn % 2 == 0 else ("after", "before"):
                with tempfile.TemporaryDirectory() as folder:
                    out = [str(Path(folder) / "lexicon")] if command is mine else []
                    values[side].append(measure([*command, *out], given.before if side == "before" else ROOT))
        medians = {side: statistics.median(each) for side, each in values.items()}
        ratio = medians["after"] / medians["before"]
        spread = {side: [min(each), max(each)] for side, each in values.items()}
        report["rows"][name] = {
            **medians, "spread": spread, "after_over_before": round(ratio, 3), "more_is_better": more_is_better
        }  # fmt: skip
        print(f"{name}: {medians['before']:.4g} -> {medians['after']:.4g} ({ratio:.3f})", file=sys.stderr, flush=True)
    report["slower"] = [
        name for name, row in report["rows"].items()
        if (1 / row["after_over_before"] if row["more_is_better"] else row["after_over_before"]) > MOST
    ]  # fmt: skip
    report["holds"] = not report["slower"]
    report["finished"] = time.strftime("%Y-%m-%d %H:%M")
    return finish(report, given.output)


if __name__ == "__main__":
    sys.exit(main())
