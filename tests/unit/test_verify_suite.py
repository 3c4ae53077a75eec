"""The suite of verify_cases.py: every verdict as expected, and the same ones in four conditions."""

import json
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hicra import verify
from hicra.verify.gold import gold_of
from verify_cases import cases, generated, holds

pytest.importorskip("math_verify")
CASES = cases()
SOME = [index for index, case in enumerate(CASES) if index % 4 == 0 or "size" in case.group or "bombs" in case.group]
MOST_S = 2.5  # seconds that one answer may take


def verdicts(workers, indices):
    golds = [gold_of(CASES[index].gold, CASES[index].options) for index in indices]
    with verify.Verifier(workers=workers, timeout=2.0) as verifier:
        answers = verifier.check([CASES[index].completion for index in indices], golds)
    return dict(zip(indices, answers, strict=True))


@pytest.fixture(scope="module")
def idle():
    return verdicts(2, range(len(CASES)))


def test_the_suite_is_large_and_covers_every_class():
    groups = {case.group for case in CASES}
    assert len(CASES) >= 300
    assert len({(case.completion, str(case.gold), str(case.options)) for case in CASES}) >= 300
    assert len(groups) >= 35
    assert generated(1) != generated(2)
    assert generated(1) == generated(1)


def test_no_crash_no_answer_over_time_no_false_accept_no_false_reject(idle):
    judged = [(CASES[index], answer) for index, answer in idle.items()]
    assert not [case for case, answer in judged if answer.verdict in ("error", "timeout")]
    assert not [case for case, answer in judged if answer.seconds > MOST_S]
    assert not [
        (case.completion[:60], case.gold) for case, answer in judged if answer.verdict == "correct" != case.verdict
    ]
    rejects = [
        (case.completion[:60], case.gold) for case, answer in judged if case.verdict == "correct" != answer.verdict
    ]
    assert not rejects
    assert not [
        (case.completion[:60], case.gold, answer.verdict) for case, answer in judged if not holds(case, answer.verdict)
    ]


@pytest.mark.parametrize("workers", [1, 3])
def test_the_number_of_workers_changes_no_verdict(idle, workers):
    found = verdicts(workers, range(len(CASES)) if workers == 1 else SOME)
    assert all(answer[:2] == idle[index][:2] for index, answer in found.items())


def burn(until):
    while time.monotonic() < until:
        sum(range(1000))


@pytest.mark.timeout(240)
def test_load_changes_no_verdict(idle):
    busy = int(os.environ.get("HICRA_BUSY", "2"))
    context = multiprocessing.get_context("spawn")
    load = [context.Process(target=burn, args=(time.monotonic() + 120,), daemon=True) for _ in range(busy)]
    for process in load:
        process.start()
    try:
        found = verdicts(2, range(len(CASES)) if busy > 2 else SOME)
    finally:
        for process in load:
            process.kill()
            process.join()
    assert all(answer[:2] == idle[index][:2] for index, answer in found.items())


@pytest.mark.parametrize("seed", ["1", "2"])
def test_the_hash_seed_changes_no_verdict(idle, seed):
    code = (
        "import json, sys; sys.path.insert(0, sys.argv[1]); import test_verify_suite as t\n"
        "print(json.dumps({i: a.verdict for i, a in t.verdicts(2, t.SOME).items()}))"
    )
    here = Path(__file__).parent
    environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(here.parent)}
    done = subprocess.run(
        [sys.executable, "-c", code, str(here)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert json.loads(done.stdout) == {str(index): idle[index].verdict for index in SOME}


def test_one_by_one_is_the_same_as_all_at_once(idle):
    with verify.Verifier(workers=1) as verifier:
        for index in SOME[::5]:
            case = CASES[index]
            assert verifier.check([case.completion], [gold_of(case.gold, case.options)])[0][:2] == idle[index][:2]


def test_strict_and_lenient_modes():
    texts = [
        r"\boxed{\frac{1}{2}}",
        r"\boxed{0.5}",
        "so it is 1/2.",
        r"\boxed{} 1/2",
        r"\boxed{\dfrac{1}{2}}",
        "I have 3 of 4, x2 and 1,234.",
    ]
    golds = [r"\frac{1}{2}"] * 5 + ["1234"]
    expected = {
        "boxed": ["correct", "correct", "no_answer", "no_answer", "correct", "no_answer"],
        "strict": ["correct", "wrong", "no_answer", "no_answer", "correct", "no_answer"],
        "lenient": ["correct", "correct", "correct", "no_answer", "correct", "correct"],
    }
    for mode, wanted in expected.items():
        with verify.Verifier(mode=mode) as verifier:
            assert [answer.verdict for answer in verifier.check(texts, golds)] == wanted
