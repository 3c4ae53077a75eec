"""The numbered deviations, from where they stand in the code; make_reference.py writes them into docs/deviations.md.

A deviation is a choice that the paper (or, for the embedded task, its specification) leaves open, or a place where hicra differs
from it. It stands in the docstring of the module where it acts, under "Deviations", one paragraph each:

    TAG-1. Overlapping occurrences all count; the mask is their union.

The id is unique over the project; code, messages and docs cite it.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
BEGINS = re.compile(r"^( *)([A-Z][A-Z0-9]+)-(\d+)\. ")
FAMILIES = {
    "READ": "Reading rollouts",
    "TEXT": "Folding text",
    "LEXICON": "Lexicons",
    "TAG": "Tagging",
    "MINE": "Mining",
    "LABEL": "Labelled traces",
    "SCORE": "Scoring a lexicon",
    "FIT": "Fitting a lexicon",
    "SHEET": "People's check of a lexicon",
    "CREDIT": "Credit: baselines",
    "REINFORCE": "Credit: reinforce_pp and reinforce_pp_baseline",
    "MAXRL": "Credit: maxrl",
    "OPO": "Credit: opo",
    "GPG": "Credit: gpg",
    "PASSK": "Credit: pass_at_k",
    "LAMBDA": "Credit: lambda_grpo",
    "GIGPO": "Credit: gigpo",
    "GTPO": "Credit: gtpo and grpo_s",
    "HIMAC": "Agents: HiMAC",
    "HIPER": "Agents: HiPER",
    "AGENT": "Agents in environments",
    "HCRAFT": "Environment: hcraft",
    "MINIGRID": "Environment: minigrid",
    "TEXTWORLD": "Environment: textworld",
    "JUGS": "Environment: jugs",
    "TASKWORLD": "Environment: task",
    "ETPO": "Critics: ETPO",
    "STRINGS": "Environment: strings",
    "MODELS": "Environment: model_choice",
    "RELATED": "The engine of related systems",
    "EXTEND": "Extending token computation",
    "RHYTHM": "Attention maps, and credit: preplan_anchor",
    "ATTENTION": "Attention received, in `hicra diagnose --attention`",
    "CARL": "Credit and system: carl",
    "VINE": "Credit and system: vineppo",
    "SPO": "Credit and system: spo_chain and spo_tree",
    "ESPO": "Likelihoods: ESPO",
    "EXITS": "Exits: provable hierarchy-based meta-RL",
    "PEAR": "PEAR: adaptive relabelling",
    "OPARL": "OPARL: optimistic and pessimistic actors",
    "RECENTRED": "Credit: hicra_recentred",
    "RELEASED": "Credit: hicra_released",
    "DIFFICULTY": "Credit: hicra_difficulty and difficulty_all",
    "BONUS": "Credit: hicra_bonus",
    "SIGN": "Credit: hicra_positive and hicra_negative",
    "KIND": "Credit: planning_only and execution_only",
    "PLACEBO": "Credit: placebo",
    "RANDOM": "Credit: random_tokens",
    "SHUFFLED": "Credit: shuffled_rows",
    "WHITEN": "Credit: whiten",
    "FORKING": "Credit: forking_tokens",
    "LIGHTGTPO": "Credit: light_gtpo",
    "SEPA": "Credit: sepa",
    "TACO": "Credit: taco",
    "PERPLEXITY": "Credit: perplexity_shaping",
    "POSITION": "Credit: position_shaping",
    "KTAE": "Credit: ktae",
    "ADAPTIVE": "Credit: hicra_adaptive",
    "LOSS": "Losses",
    "DAPO": "Recipe: DAPO",
    "TCR": "Recipe: GRPO-TCR",
    "CHECKPOINT": "Recipe: the paper's checkpoints",
    "TRAIN": "Training",
    "ENGINE": "Credit in engines that have no config of hicra",
    "METRIC": "Metrics",
    "VERL": "verl",
    "SIGNAL": "The signal of the gradient",
    "METER": "The meter during training",
    "TOKENS": "Scoring the tokens of a dump with a model",
    "QUALITY": "Metrics: credit quality",
    "TRUTH": "Signal: the true advantage of a token",
    "FORK": "Finding: overlap of planning and uncertain tokens",
    "SPANS": "Findings: spans and questions",
    "CHANGE": "Finding: how the planning share changes",
    "SENSITIVITY": "Finding: sensitivity to the list of grams",
    "ERRORS": "Finding: error types",
    "JUDGE": "Finding: errors by a judge model",
    "STAGES": "Finding: stages of a run",
    "STATS": "Statistics",
    "FINDING": "Findings",
    "COMPARE": "Comparing arms",
    "EVAL": "Evaluation",
    "REPORT": "The report",
    "WATCH": "Watching a run",
    "TRACK": "Trackers",
    "EXPORT": "Export of run folders",
    "PLAN": "Task: plan_execute",
    "ARITHMETIC": "Task: arithmetic",
    "MATHS": "Task: math",
    "GSM8K": "Task: gsm8k",
    "GYM": "Task: reasoning_gym",
    "CALCULATOR": "Task: calculator",
    "ANSWER": "Answers of tasks",
    "BENCHMARK": "Benchmark files",
    "OVERLAP": "Overlap of training data and benchmarks",
    "PRESET": "Presets of evaluation",
    "PROMPT": "Prompts",
    "VERIFY": "The verifier",
}


class Deviation(NamedTuple):
    """One choice: its family and number, what it says, and the file where it acts."""

    family: str
    number: int
    text: str
    file: str


def deviations() -> list[Deviation]:
    """All of them, in the order of the families and numbers."""
    found = []
    for path in sorted([*(ROOT / "src" / "hicra").rglob("*.py"), *(ROOT / "recipes").rglob("*.py")]):
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        found += _in(docstring, path.relative_to(ROOT).as_posix())
    order = list(FAMILIES)
    return sorted(found, key=lambda one: (order.index(one.family), one.number))


def _in(docstring: str, file: str) -> list[Deviation]:
    found, lines = [], docstring.split("\n")
    for start, line in enumerate(lines):
        if not (begins := BEGINS.match(line)):
            continue
        text = [line[begins.end() :]]
        for more in lines[start + 1 :]:
            if len(more) - len(more.lstrip()) <= len(begins[1]):  # a paragraph goes on with deeper lines
                break
            text.append(more.strip())
        found.append(Deviation(begins[2], int(begins[3]), " ".join(text), file))
    return found


def page() -> str:
    """All of them as Markdown, a section a family."""
    out, family = [], ""
    for one in deviations():
        if one.family != family:
            family = one.family
            out.append(f"## {FAMILIES[family]}\n")
        out.append(f"**{one.family}-{one.number}.** {one.text} <br>`{one.file}`\n")
    return "\n".join(out)
