"""Measures SmolLM2-135M with and without extending token computation: perplexity, accuracy, attention on the sink token.

    python studies/attention/measure.py -o studies/attention/results.json --data DIR       eight CPU-minutes, on one thread

Perplexity on the first tokens of the pages of docs/concepts, and of worked solutions of other models (DIR holds
solutions_short/zeroeval_gsm8k.jsonl.gz; left out without --data). Accuracy on held-out problems of the task `arithmetic`, as the
recipe smollm2-arithmetic asks them, decoded greedily with a cache. Differences to the plain model are paired, by text and by
problem.

Parts that the output holds already are not measured again, so a run that was stopped goes on; where the pages of docs/concepts
are other ones since, every part is.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import numpy as np
import torch

from hicra.artifacts import sha256_bytes, write_text
from hicra.generation.attention import Layer, attention_weights
from hicra.generation.interface import Request, SamplingSettings
from hicra.generation.local import LocalModel
from hicra.related.attention.extended import extended_attention
from hicra.runs.config import load_config
from hicra.stats import paired_comparison
from hicra.tasks.base import make_task
from machine import machine

MODEL = "smollm2-135m-instruct"
PLAIN = "plain"
ARMS: dict[str, dict[str, Any]] = {
    PLAIN: {"alpha": 0.0},  # the eager path, so that arms differ in nothing else
    "extended": {"alpha": 0.2},
    "everywhere": {"alpha": 0.2, "everywhere": True},
    "extended, alpha 0.8": {"alpha": 0.8},
}
DECODED = (PLAIN, "extended", "everywhere")
TOKENS, TEXTS, PROBLEMS, NEW = 128, 12, 32, 48
SINK_ALPHAS = (0.0, 0.2, 0.4, 0.8)
DATA = "solutions_short/zeroeval_gsm8k.jsonl.gz"


def pages() -> list[str]:
    return [path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs" / "concepts").glob("*.md"))][:TEXTS]


def solutions(folder: Path) -> list[str]:
    """The first solution of each of the first questions."""
    found: dict[str, str] = {}
    with gzip.open(folder / DATA, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            found.setdefault(row["question"], f"{row['question']}\n{row['solution']}")
            if len(found) == TEXTS:
                break
    return list(found.values())


def ids_of(local: LocalModel, texts: Sequence[str]) -> list[list[int]]:
    return [local.tokenizer(text)["input_ids"][:TOKENS] for text in texts]


def surprises(local: LocalModel, texts: Sequence[Sequence[int]], arm: Mapping[str, Any]) -> dict[str, Any]:
    """Mean surprise of each text in nats a token, after its first token."""
    found = []
    with torch.no_grad(), extended_attention(local.model, **arm):
        for ids in texts:
            logs = torch.log_softmax(local.model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, :-1], dim=-1)
            found.append(-float(logs.gather(1, torch.tensor(ids[1:])[:, None]).mean()))
    return {"surprise": found, "tokens": [len(ids) - 1 for ids in texts]}


def answers(local: LocalModel, arm: Mapping[str, Any]) -> dict[str, Any]:
    """Whether each held-out problem is answered right, and how many tokens each answer has."""
    config, _ = load_config(ROOT / "recipes" / "smollm2-arithmetic" / "config.yaml", [])
    task = make_task(config.task.name, **config.task.settings)
    rows = task.rows("eval", PROBLEMS)
    settings = SamplingSettings(temperature=0.0, max_new_tokens=NEW, threads=1, batch=16)
    with extended_attention(local.model, **arm):
        made = local.generate([Request(row["prompt"], 0) for row in rows], settings)
    scores = [task.score(one.text, row, bool(one.ended)) for one, row in zip(made, rows, strict=True)]
    return {
        "right": [score.reward for score in scores],
        "tokens": [one.tokens for one in made],
        "texts_sha256": sha256_bytes("\n".join(one.text for one in made).encode()),
    }


def sink_shares(local: LocalModel, texts: Sequence[Sequence[int]], arm: Mapping[str, Any]) -> list[float]:
    """The share of the attention of each layer that goes to the first key, from all queries after it; the mean over heads."""
    found = np.zeros(local.model.config.num_hidden_layers)

    def look(layer: Layer) -> None:
        rows = layer.weights[:, :, 1:]
        found[layer.number] += float((rows[..., 0].sum(-1) / rows.sum((-2, -1))).mean()) / len(texts)

    with torch.no_grad(), extended_attention(local.model, **arm), attention_weights(local.model, look):
        for ids in texts:
            local.model.base_model(input_ids=torch.tensor([ids]), use_cache=False)
    return [round(one, 5) for one in found.tolist()]


def parts(local: LocalModel, data: Path | None) -> Iterator[tuple[str, Callable[[], Any]]]:
    sources = {"pages": pages()} | ({"solutions": solutions(data)} if data else {})
    for source, texts in sources.items():
        ids = ids_of(local, texts)
        for arm, settings in ARMS.items():
            yield f"perplexity/{source}/{arm}", lambda ids=ids, settings=settings: surprises(local, ids, settings)
    ids = ids_of(local, sources["pages"][:4])
    for alpha in SINK_ALPHAS:
        yield f"sink/{alpha}", lambda ids=ids, alpha=alpha: sink_shares(local, ids, {"alpha": alpha})
    yield "sink/everywhere", lambda ids=ids: sink_shares(local, ids, ARMS["everywhere"])
    for arm in DECODED:
        yield f"accuracy/arithmetic/{arm}", lambda arm=arm: answers(local, ARMS[arm])


def paired(values: Sequence[float], plain: Sequence[float]) -> dict[str, float]:
    found = paired_comparison(values, plain)
    return {"difference": found.difference, "low": found.low, "high": found.high, "p": found.p_value, "n": found.n}


def summary(measured: Mapping[str, Any]) -> dict[str, Any]:
    """What the parts say together: perplexity, accuracy, and paired differences to the plain model with 95 % intervals."""
    told: dict[str, Any] = {}
    for name, one in measured.items():
        kind, _, rest = name.partition("/")
        before = measured.get(f"{kind}/{rest.rpartition('/')[0]}/{PLAIN}")
        if kind == "perplexity":
            tokens = np.array(one["tokens"])
            told[name] = {"perplexity": float(np.exp(np.array(one["surprise"]) @ tokens / tokens.sum()))}
            if before and before is not one:
                told[name]["surprise_more"] = paired(one["surprise"], before["surprise"])
        elif kind == "accuracy":
            told[name] = {"accuracy": float(np.mean(one["right"])), "tokens": float(np.mean(one["tokens"]))}
            if before and before is not one:
                told[name]["accuracy_more"] = paired(one["right"], before["right"])
        else:  # thirds of the layers between the first and the last
            told[name] = {"thirds": [round(float(each.mean()), 4) for each in np.array_split(np.array(one[1:-1]), 3)]}
    return told


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--data", type=Path, help="folder of development data; without it that text source is left out")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    measured: dict[str, Any] = {}
    digest = sha256_bytes("\n".join(pages()).encode())
    if asked.output.exists():
        stored = json.loads(asked.output.read_text(encoding="utf-8"))
        if stored["texts_sha256"] == digest:
            measured = stored["measured"]
        else:
            print("the pages have changed since: every part is measured anew", flush=True)
    local = LocalModel(MODEL, SamplingSettings(threads=1))
    for name, work in parts(local, asked.data):
        if name in measured:
            continue
        began = time.process_time()
        measured[name] = work()
        found = {
            "command": "python studies/attention/measure.py -o studies/attention/results.json --data DIR",
            **machine("torch", "transformers"), "model": MODEL, "arms": ARMS,
            "texts_sha256": digest,
            "summary": summary(measured), "measured": measured,
        }  # fmt: skip
        write_text(asked.output, json.dumps(found, indent=1) + "\n")
        print(f"{name}: {time.process_time() - began:.0f} CPU-seconds", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
