"""Claim: on public suites of answer checkers no answer that math-verify judges as the suite does is judged otherwise here,
but for differences that are classed: the suite is wrong, an artefact of the box, or the contract says so.

    python benchmarks/verify_suites.py FOLDER --before CHECKOUT -o benchmarks/baselines/verify_suites.json
    python benchmarks/verify_suites.py FOLDER --show        # prints every difference with its key, to class it

FOLDER holds what `SUITES` names, each repository as owner+name; absent ones are left out by name. Test files are parsed,
never run, and nothing of them is kept: a difference is stored as a key, which is a hash of its triple, and its class (with a
reason) comes from verify_suites_classes.json beside this script. A prediction without a box is put into one, a prediction
with one is passed whole, and the gold answer is given without outer dollars; math-verify gets the same completion, and the
gold answer in dollars. `lenient` suites are passed whole in the mode of that name. CHECKOUT is an earlier checkout to compare
with.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import verify_triples as read
from machine import finish, machine
from verify_triples import Triple

CLASSES = Path(__file__).parent / "verify_suites_classes.json"
OURS = "ours"
Reader = Callable[[Path], Iterator[Triple]]


class Suite(NamedTuple):
    """A repository, the commit that was read, its files with a reader each, and the mode."""

    name: str
    commit: str
    files: tuple[tuple[str, Reader], ...]
    mode: str = "boxed"


def _math_verify_tests() -> tuple[tuple[str, Reader], ...]:
    names = ("all", "boxed", "numina_cases", "open_thoughts", "yujianll", "strict")
    return tuple((f"tests/test_{name}.py", read.parametrized) for name in names)


_COMMUNITY = "tests/unit/community/"
SUITES = (
    Suite("huggingface/Math-Verify", "5d148cf", _math_verify_tests()),
    Suite("huggingface/lighteval", "3fd1526", (("tests/unit/metrics/test_extractive_match.py", read.parametrized),)),
    Suite("uw-nsl/TinyV", "4a9d2c7", (("benchmarks/HardVerify-Math.json", read.objects),)),
    Suite("MARIO-Math-Reasoning/MARIO_EVAL", "13584f2",
          (("math_evaluation/tests/test_is_equiv.py", partial(read.calls, names=r"_test_is(?:_not)?_equiv|is_equiv")),)),
    Suite("hendrycks/math", "985bdc1", (("modeling/math_equivalence_test.py", partial(read.calls, names="is_equiv")),)),
    Suite("NVIDIA/NeMo-Skills", "0b012df", (("tests/test_math_equal.py", partial(read.parametrized, sides="output_pair")),)),
    Suite("QwenLM/Qwen2.5-Math", "a45202b",
          (("evaluation/grader.py", partial(read.comments, verdicts="11111111001000000")),)),
    Suite("THUDM/slime", "624b824", (
        ("tests/test_rm_math.py", partial(read.parametrized, skip=("test_strip_string_canonical_substitutions",))),
        ("tests/test_rm_math.py", partial(read.calls, names=r"grade_answer_\w+")),
    )),
    Suite("PrimeIntellect-ai/verifiers", "a60a606", (("tests/test_math_rubric.py", read.parametrized),)),
    Suite("allenai/open-instruct", "e6c3044", (("open_instruct/test_math_utils.py", read.parametrized),)),
    Suite("huggingface/trl", "f2cd577", (("tests/test_rewards.py", partial(read.batches, only="accuracy|answer|reasoning")),)),
    Suite("huggingface/open-r1", "1416fa0", (("tests/test_rewards.py", partial(read.batches, only="accuracy")),)),
    Suite("NVIDIA-NeMo/RL", "7ea279a",
          (("tests/unit/environments/test_math_environment.py", partial(read.chats, verdicts="111---10111")),)),
    Suite("openai/simple-evals", "ee3b031", (("common.py", read.prompt),)),
    Suite("inclusionAI/AReaL", "4aef98d",
          (("tests/test_math_verify_reward.py", partial(read.keywords, said="completions", gold="answer")),), "lenient"),
    Suite("UKGovernmentBEIS/inspect_ai", "499e615", (
        ("tests/scorer/math_cases.json", read.objects),
        ("tests/scorer/test_math.py", read.parametrized),
    )),
    Suite("scitix/sieval", "f2c86c3", (
        (_COMMUNITY + "test_ugmathbench.py", read.parametrized),
        (_COMMUNITY + "test_ugmathbench.py", partial(read.calls, names="judge_answer|math_equal")),
        (_COMMUNITY + "test_deepseek_math.py", read.parametrized),
        (_COMMUNITY + "test_imo_bench.py", partial(read.calls, names="_grade|verify_math_answer", gold_last=False)),
    )),
    Suite("modelscope/ms-swift", "3602360", (("tests/utils/test_rewards.py", partial(read.batches, only="")),)),
    Suite("Athe-kunal/labs-molt", "8e74a9d", (("tests/unit/test_math_grader.py",
          partial(read.module_lists, right=("MATCH", "MATCH_SYMPY"), wrong=("NOMATCH",))),)),
    Suite("rllm-org/rllm", "9beb6e0", (("tests/rewards/test_math_reward.py", read.responses),)),
    Suite("T41K1/LLM-jp-4-RL", "fff00c9", (("tests/test_ground_truth_utils.py", partial(read.calls, names="self._score")),)),
)  # fmt: skip


def key_of(triple: Triple) -> str:
    """A short name for a triple that does not repeat it."""
    return hashlib.sha256("\x00".join([triple.gold, triple.prediction, str(triple.right)]).encode()).hexdigest()[:12]


def completion_of(triple: Triple, mode: str) -> str:
    """The completion of a triple: its prediction, in a box where it has none."""
    said = triple.prediction
    return said if mode == "lenient" or "\\boxed" in said else f"\\boxed{{{said}}}"


def gold_of(triple: Triple) -> str:
    """The gold answer without outer dollars."""
    gold = triple.gold.strip()
    bare = gold[1:-1]
    return bare if len(gold) > 1 and gold[0] == gold[-1] == "$" and "$" not in bare else gold


def with_hicra(triples: list[Triple], mode: Any) -> list[str]:
    """The verdicts of the hicra that is imported."""
    from hicra import verify

    with verify.Verifier(mode=mode) as verifier:
        answers = verifier.check([completion_of(one, mode) for one in triples], [gold_of(one) for one in triples])
    return [answer.verdict for answer in answers]


def with_math_verify(triples: list[Triple], mode: str) -> list[bool]:
    """The verdicts of math-verify with its own settings."""
    from math_verify import parse, verify

    found = []
    for one in triples:
        gold = gold_of(one)
        parsed = parse(gold if "$" in gold or "\\boxed" in gold else f"${gold}$")
        found.append(bool(verify(parsed, parse(completion_of(one, mode)))))
    return found


def triples_of(suite: Suite, folder: Path) -> list[Triple]:
    """All triples of a suite; none if it is absent."""
    home = folder / suite.name.replace("/", "+")
    return [one for path, reader in suite.files if (home / path).is_file() for one in reader(home / path)]


def before(checkout: Path, folder: Path) -> dict[str, list[str]]:
    """The verdicts of the hicra of another checkout, by suite."""
    command = [sys.executable, __file__, str(folder), "--verdicts"]
    environment = os.environ | {"PYTHONPATH": str(checkout / "src")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def measured(
    suite: Suite, folder: Path, earlier: list[str] | None, classes: dict[str, str], show: bool
) -> dict[str, Any]:
    """One row of the table."""
    triples = triples_of(suite, folder)
    ours, theirs = with_hicra(triples, suite.mode), with_math_verify(triples, suite.mode)
    differences: list[dict[str, Any]] = []
    for one, mine, other in zip(triples, ours, theirs, strict=True):
        if (mine == "correct") == one.right:
            continue
        name, _, reason = classes.get(key_of(one), "not classed").partition(": ")
        row = {"key": key_of(one), "class": name, "reason": reason, "hicra": mine,
               "expected": one.right, "math_verify_agrees_with_suite": other == one.right}  # fmt: skip
        differences.append(row)
        if show:
            print(
                json.dumps(
                    row | {"suite": suite.name, "gold": one.gold, "prediction": one.prediction}, ensure_ascii=False
                )
            )

    def agreeing(verdicts: list[Any]) -> int:
        return sum((said in (True, "correct")) == one.right for said, one in zip(verdicts, triples, strict=True))

    return {
        "suite": suite.name, "commit": suite.commit, "mode": suite.mode, "triples": len(triples),
        "hicra_before": agreeing(earlier) if earlier else None, "hicra": agreeing(ours), "math_verify": agreeing(theirs),
        "false_accepts": sum(not row["expected"] for row in differences),
        "classes": dict(Counter(row["class"] for row in differences)),
        "reasons": dict(Counter(f"{row['class']}: {row['reason']}" for row in differences)),
        "kept": [row for row in differences if row["class"] in (OURS, "not classed") or not row["expected"]],
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--before", type=Path, help="an earlier checkout")
    parser.add_argument("--show", action="store_true", help="print every difference")
    parser.add_argument("--only", default="", help="a part of the name of the suites to run")
    parser.add_argument("--verdicts", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("-o", "--out", type=Path)
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)  # math-verify logs each failure
    suites = [suite for suite in SUITES if given.only in suite.name and triples_of(suite, given.folder)]
    if given.verdicts:
        print(json.dumps({suite.name: with_hicra(triples_of(suite, given.folder), suite.mode) for suite in suites}))
        return 0
    earlier = before(given.before, given.folder) if given.before else {}
    classes = json.loads(CLASSES.read_text(encoding="utf-8")) if CLASSES.is_file() else {}
    rows = [measured(suite, given.folder, earlier.get(suite.name), classes, given.show) for suite in suites]
    report = machine("math-verify", "sympy") | {
        "absent": [suite.name for suite in SUITES if suite not in suites],
        "suites": rows,
        "triples": sum(row["triples"] for row in rows),
        "hicra_before": sum(row["hicra_before"] or 0 for row in rows),
        "hicra": sum(row["hicra"] for row in rows),
        "math_verify": sum(row["math_verify"] for row in rows),
        "classes": dict(sum((Counter(row["classes"]) for row in rows), Counter())),
    }
    lost = [row["key"] for suite in rows for row in suite["kept"]
            if row["class"] in (OURS, "not classed") and row["math_verify_agrees_with_suite"]]  # fmt: skip
    report |= {"ours_that_math_verify_gets_right": lost, "holds": not lost}
    return 1 if given.show else finish(report, given.out)


if __name__ == "__main__":
    sys.exit(main())
