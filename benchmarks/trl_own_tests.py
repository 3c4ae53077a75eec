"""Claim: whatever passes in TRL's own GRPO tests with GRPOTrainer passes with HicraGRPOTrainer in its place.

    git clone https://github.com/huggingface/trl && python benchmarks/trl_own_tests.py --trl-tests trl/tests

The tests are run from outside and unchanged, three times: with TRL's classes, with the trainer swapped (plain GRPOConfig,
so hicra's defaults), and with trainer and config swapped. Three things they take from the hub are made here, offline: tiny
random models, a tokenizer, and the data set. Every fifth token of the vocabulary says "hold on", a gram of the default
lexicon: so a random model really produces planning tokens. Tests that spell out token ids of Qwen2.5 get a vocabulary
of its size with these ids in their places; all others a small one, which is ten times faster. Every advantage that
leaves the hook is compared with the formula, written a second time below.

This file is the command and, inside pytest (`-p trl_own_tests`), the plugin that swaps the classes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

ARMS = ("GRPOTrainer", "HicraGRPOTrainer", "HicraGRPOTrainer+HicraGRPOConfig")
ORG = "trl-internal-testing"
GRAM, FULL, LITTLE = "hold on", 151_936, 2048
SPELLS_IDS = "mask_truncated or tool or environment"  # pytest's -k for the tests that do
# what the tests' own mocked generations spell out, by their ids in Qwen2.5's vocabulary (ids 0 to 255 are bytes)
SPELLED = {
    606: "name", 788: '":', 330: ' "', 64648: "multiply", 22785: "_tool", 497: '",', 16370: "arguments", 5212: ' {"',
    11248: "}}\n", 4913: '{"', 17453: "Done", 1513: " don", 944: "'t", 1414: " know", 894: " any", 5392: " tool",
    7692: "async", 93054: "_multiply", 35744: "increment", 9520: "step", 927: "sh", 411: "out", 1318: "text", 6023: "hi",
    95642: '"}}\n', 450: "de", 13477: "crement", 314: " {", 293: " b",
}  # fmt: skip
PLUMBING = "user assistant tool response error got an unexpected keyword argument: Tool not found multiply integers two"
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")  # at 151643 in Qwen2.5
TOOL = ("<tool_call>", "</tool_call>")  # at 151657
SMALL = {
    "hidden_size": 8, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
    "head_dim": 2, "max_position_embeddings": 4096, "bos_token_id": None,
}  # fmt: skip
EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16, "decoder_sparse_step": 1}
LOCAL = {"num_local_experts": 4, "num_experts_per_tok": 2}
MODELS: dict[
    str, tuple[str, dict[str, Any], str]
] = {  # hub name: transformers class, changed sizes, TRL's chat template
    "tiny-Qwen2ForCausalLM-2.5": ("Qwen2ForCausalLM", {}, "qwen2_5"),
    "tiny-Qwen3ForCausalLM": ("Qwen3ForCausalLM", {}, "qwen3"),
    "tiny-Qwen3MoeForCausalLM": ("Qwen3MoeForCausalLM", EXPERTS, "qwen3"),
    "tiny-LlamaForCausalLM-3.2": ("LlamaForCausalLM", {}, "qwen2_5"),
    "tiny-MistralForCausalLM-0.2": ("MistralForCausalLM", {}, "qwen2_5"),
    "tiny-Gemma2ForCausalLM": ("Gemma2ForCausalLM", {"query_pre_attn_scalar": 2}, "qwen2_5"),
    "tiny-Cohere2ForCausalLM": ("Cohere2ForCausalLM", {"logit_scale": 0.125}, "qwen2_5"),
    "tiny-GptOssForCausalLM": ("GptOssForCausalLM", LOCAL, "qwen2_5"),
    "tiny-Glm4MoeForCausalLM": ("Glm4MoeForCausalLM", {"n_routed_experts": 4, "moe_intermediate_size": 16}, "qwen2_5"),
    "tiny-Qwen2ForSequenceClassification-2.5": ("Qwen2ForSequenceClassification", {"num_labels": 1}, "qwen2_5"),
    "tiny-Qwen3ForSequenceClassification": ("Qwen3ForSequenceClassification", {"num_labels": 1}, "qwen3"),
    "tiny-LlamaForSequenceClassification-3.2": ("LlamaForSequenceClassification", {"num_labels": 1}, "qwen2_5"),
}
SENTENCES = (
    "Name one prime:", "The sum of 2 and 3 is", "Spell it", "Half of 8?",
)  # fmt: skip


# ---- the hub, made offline
def build_hub(hub: Path, size: int) -> None:
    """The layout of the hub's own cache: models--ORG--NAME/snapshots/0, so that `from_pretrained` finds every name."""
    import torch
    import transformers
    import trl

    templates = Path(trl.__file__).parent / "chat_templates"
    tokenizer = build_tokenizer(size)
    sizes = SMALL | {
        "vocab_size": size, "pad_token_id": tokenizer.pad_token_id, "eos_token_id": tokenizer.eos_token_id,
    }  # fmt: skip
    for name, (architecture, changed, template) in MODELS.items():
        root = hub / f"models--{ORG}--{name}"
        folder = root / "snapshots" / "0"
        folder.mkdir(parents=True)
        (root / "refs").mkdir()
        (root / "refs" / "main").write_text("0", encoding="utf-8")
        torch.manual_seed(0)
        made = getattr(transformers, architecture)
        made(made.config_class(**sizes | changed)).save_pretrained(folder)
        tokenizer.chat_template = (templates / f"{template}.jinja").read_text(encoding="utf-8")
        tokenizer.save_pretrained(folder)


def build_tokenizer(size: int) -> Any:
    """A byte-level BPE without merges: what is no whole word of the vocabulary is encoded byte by byte."""
    import trl
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = [byte for byte in range(256) if byte not in plain]
    letter = {byte: chr(byte) for byte in plain} | {byte: chr(0x100 + index) for index, byte in enumerate(rest)}
    first = size - (FULL - 151643)
    vocabulary = {letter[byte]: index for index, byte in enumerate([*plain, *rest])}
    spelled = {index: text for index, text in SPELLED.items() if index < first}
    vocabulary |= {"".join(letter[byte] for byte in text.encode()): index for index, text in spelled.items()}
    vocabulary |= {text: first + index for index, text in enumerate(SPECIAL)}
    vocabulary |= {text: first + 14 + index for index, text in enumerate(TOOL)}
    free = (index for index in range(256, first) if index % 5 and index not in spelled)
    around = (Path(trl.__file__).parent / "chat_templates" / "qwen3.jinja").read_text(encoding="utf-8")
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    for word, _ in byte_level.pre_tokenize_str(f"{PLUMBING}\n{around}"):  # byte by byte, prompts would be very long
        if word not in vocabulary:
            vocabulary[word] = next(free)
    taken = set(vocabulary.values())
    for index in set(range(256, first)) - taken:
        marks = "".join(",;!?"[index >> shift & 3] for shift in range(0, 18, 2))  # so that no two fillers are equal
        text = f" {GRAM}{marks}" if index % 5 == 0 else f" w{index}"
        vocabulary[text.replace(" ", letter[32])] = index
    bpe = Tokenizer(models.BPE(vocab=vocabulary, merges=[], ignore_merges=True))
    bpe.pre_tokenizer, bpe.decoder = byte_level, decoders.ByteLevel()
    bpe.add_special_tokens([AddedToken(text, special=True) for text in SPECIAL])
    bpe.add_tokens([AddedToken(text, special=False) for text in TOOL])
    return PreTrainedTokenizerFast(tokenizer_object=bpe, pad_token=SPECIAL[0], eos_token=SPECIAL[2])


def load_dataset(
    name: str, config: str = "standard_prompt_only", split: str | None = None, streaming: bool = False
) -> Any:
    """The two text configurations of zen, in small: four prompts to train on (one with the full vocabulary), two to test."""
    from datasets import Dataset, DatasetDict

    if name != f"{ORG}/zen":
        raise FileNotFoundError(f"{name} is not made here")
    talk = config.startswith("conversational")
    rows = [{"prompt": [{"role": "user", "content": text}] if talk else text} for text in SENTENCES]
    parts = DatasetDict(
        train=Dataset.from_list(rows[: int(os.environ["HICRA_ROWS"])]), test=Dataset.from_list(rows[:2])
    )
    chosen = parts if split is None else parts[split]
    if not streaming:
        return chosen
    return chosen.to_iterable_dataset() if split else {key: part.to_iterable_dataset() for key, part in parts.items()}


# ---- the plugin
def pytest_configure(config: Any) -> None:
    import datasets
    import torch
    import trl
    from trl import import_utils

    torch.set_num_threads(1)
    datasets.load_dataset = load_dataset
    import_utils.__getattr__ = _absent  # tests older than the release ask for packages that it no longer knows
    arm = os.environ["HICRA_ARM"]
    if arm == ARMS[0]:
        return
    import numpy as np

    from hicra.engines.shaping import Shaping
    from hicra.engines.trl import HicraGRPOConfig, HicraGRPOTrainer

    config.hicra_counts = counts = {"generations": 0, "tokens": 0, "planning": 0, "changed": 0, "off": 0}
    shape = Shaping.generation

    def audited(self: Any, *rest: Any, **named: Any) -> Any:
        made = shape(self, *rest, **named)
        base, mask, live = made.arrays["base"][:, None], made.arrays["planning_mask"], made.arrays["response_mask"]
        expected = np.where(mask, base * (1 + 0.2 * np.sign(base)), base)
        counts["generations"] += 1
        counts["tokens"] += int(live.sum())
        counts["planning"] += int((mask & live).sum())
        counts["changed"] += int(((made.arrays["advantages"] != base) & live).sum())
        counts["off"] += int(((np.abs(made.arrays["advantages"] - expected) > 1e-6) & live).sum())
        return made

    Shaping.generation = audited  # type: ignore[method-assign]
    trl.GRPOTrainer = HicraGRPOTrainer
    if arm == ARMS[2]:
        trl.GRPOConfig = HicraGRPOConfig


def _absent(name: str) -> Any:
    if name.startswith("is_") and name.endswith("_available"):
        return lambda *_: False
    raise AttributeError(name)


def pytest_sessionfinish(session: Any) -> None:
    if counts := getattr(session.config, "hicra_counts", None):
        Path(os.environ["HICRA_COUNTS"]).write_text(json.dumps(counts), encoding="utf-8")


# ---- the command
def run_arm(arm: str, tests: Path, work: Path, select: str, rows: int) -> tuple[dict[str, str], dict[str, int]]:
    """({test: outcome}, counts of the hook) of one pytest run; `work` holds the hub."""
    report, counts = work / f"{ARMS.index(arm)}.xml", work / f"{ARMS.index(arm)}.json"
    environment = os.environ | {
        "HICRA_ARM": arm, "HICRA_ROWS": str(rows),
        "HICRA_COUNTS": str(counts), "HF_HOME": str(work), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]),
        "TRL_EXPERIMENTAL_SILENCE": "1", "ACCELERATE_USE_CPU": "1",
    }  # fmt: skip
    command = [
        sys.executable, "-m", "pytest", "-p", "trl_own_tests", "-p", "no:cacheprovider", "-q", "--tb=line", "-W", "ignore",
        f"--rootdir={tests.parent}", f"--junitxml={report}", "--basetemp", str(work / "pytest"), "-k", select,
        str(tests / "test_grpo_trainer.py"),
    ]  # fmt: skip
    subprocess.run(command, env=environment, cwd=work, stdout=sys.stderr, check=False)
    outcomes = {}
    for case in ElementTree.parse(report).iter("testcase"):
        kinds = {child.tag for child in case} & {"failure", "error", "skipped"}
        name = f"{(case.get('classname') or '').split('.')[-1]}::{case.get('name')}"
        outcomes[name] = "failed" if kinds & {"failure", "error"} else "skipped" if kinds else "passed"
    return outcomes, json.loads(counts.read_text(encoding="utf-8")) if counts.is_file() else {}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trl-tests", type=Path, required=True, help="the folder `tests` of a checkout of TRL")
    parser.add_argument("-k", dest="select", default="not Slow and not VLM", help="pytest's selection by name")
    parser.add_argument("--tests-version", default="unknown", help="commit of the checkout, for the report")
    parser.add_argument("--machine", default="2 cores, AVX2", help="words for the report")
    parser.add_argument("--date", default=datetime.now(UTC).date().isoformat())
    parser.add_argument("-o", dest="output", type=Path, help="also write the report here")
    given = parser.parse_args()
    ran: dict[str, tuple[dict[str, str], dict[str, int]]] = {arm: ({}, {}) for arm in ARMS}
    for size, rows, select in ((LITTLE, 4, f"not ({SPELLS_IDS})"), (FULL, 1, f"({SPELLS_IDS})")):
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder)
            build_hub(work / "hub", size)
            for arm in ARMS:
                outcomes, counts = run_arm(arm, given.trl_tests.resolve(), work, f"({given.select}) and {select}", rows)
                ran[arm][0].update(outcomes)
                ran[arm][1].update({name: ran[arm][1].get(name, 0) + count for name, count in counts.items()})
    plain = ran[ARMS[0]][0]
    passed = sorted(name for name, outcome in plain.items() if outcome == "passed")
    report: dict[str, Any] = {
        "claim": "whatever passes with GRPOTrainer passes with HicraGRPOTrainer",
        "machine": given.machine, "date": given.date, "trl_tests": given.tests_version,
        "versions": {name: version(name) for name in ("trl", "transformers", "torch", "accelerate", "datasets", "peft")},
        "collected": len(plain), "passed_with_GRPOTrainer": len(passed),
        "failed_with_GRPOTrainer": sorted(name for name, outcome in plain.items() if outcome == "failed"),
        "skipped": sum(outcome == "skipped" for outcome in plain.values()),
    }  # fmt: skip
    for arm in ARMS[1:]:
        outcomes, counts = ran[arm]
        report[arm] = {
            "of_these_passed": sum(outcomes.get(name) == "passed" for name in passed),
            "no_longer_passing": [name for name in passed if outcomes.get(name) != "passed"],
            "newly_passing": sorted(n for n, o in outcomes.items() if o == "passed" and plain.get(n) != "passed"),
            "hook": counts,
        }
    report["holds"] = all(
        not report[arm]["no_longer_passing"] and report[arm]["hook"].get("off") == 0 for arm in ARMS[1:]
    )
    from machine import finish  # beside this file; inside pytest it is not asked for

    return finish(report, given.output)


if __name__ == "__main__":
    sys.exit(main())
