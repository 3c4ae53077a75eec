"""The suite of verify_cases.py: every verdict as expected, and the same ones in four conditions."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hicra import verify
from hicra.verify.reading.gold import gold_of
from paths import SUPPORT
from verify_cases import cases, generated, holds

pytest.importorskip("math_verify")
CASES = cases()
GOLDS = [gold_of(case.gold, case.options) for case in CASES]
BUSY = 6  # busy processes of the loaded condition


def answers(workers):
    with verify.Verifier(workers=workers, timeout=2.0) as verifier:
        return verifier.check([case.completion for case in CASES], GOLDS)


def judged(found):
    return [(answer.verdict, answer.extracted) for answer in found]


@pytest.fixture(scope="module")
def idle():
    return answers(2)


def test_the_suite_is_large_and_covers_every_class():
    groups = {case.group for case in CASES}
    assert len(CASES) >= 300
    assert len({(case.completion, str(case.gold), str(case.options)) for case in CASES}) >= 300
    assert len(groups) >= 35
    assert generated(1) != generated(2)
    assert generated(1) == generated(1)


@pytest.mark.slow
def test_no_crash_no_answer_over_time_no_false_accept_no_false_reject(idle):
    rows = [(case.completion[:60], case.gold, case.verdict, answer) for case, answer in zip(CASES, idle, strict=True)]
    assert not [row for row in rows if row[3].verdict in ("error", "timeout")]
    assert not [row for row in rows if row[3].verdict == "correct" != row[2]]  # false accepts
    assert not [row for row in rows if row[2] == "correct" != row[3].verdict]  # false rejects
    assert not [row for case, row in zip(CASES, rows, strict=True) if not holds(case, row[3].verdict)]


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.slow
def test_the_number_of_workers_changes_no_verdict(idle, workers):
    assert judged(answers(workers)) == judged(idle)


@pytest.mark.timeout(240)
@pytest.mark.slow
def test_load_changes_no_verdict(idle):
    burn = [sys.executable, "-c", "while True: sum(range(1000))"]
    load = [subprocess.Popen(burn) for _ in range(BUSY)]
    try:
        found = answers(2)
        assert all(process.poll() is None for process in load)  # busy to the end
    finally:
        for process in load:
            process.kill()
            process.wait()
    assert judged(found) == judged(idle)


@pytest.mark.parametrize("seed", ["1", "2"])
@pytest.mark.slow
def test_the_hash_seed_changes_no_verdict(idle, seed):
    code = (
        "import json, sys; sys.path.insert(0, sys.argv[1]); import test_suite as t\n"
        "if __name__ == '__main__': print(json.dumps(t.judged(t.answers(2))))"
    )
    here = Path(__file__).parent
    environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join([str(SUPPORT), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-c", code, str(here)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert [tuple(each) for each in json.loads(done.stdout)] == judged(idle)


def test_one_by_one_is_the_same_as_all_at_once(idle):
    with verify.Verifier(workers=1) as verifier:
        for index in range(0, len(CASES), 5):
            found = verifier.check([CASES[index].completion], [GOLDS[index]])
            assert judged(found) == judged([idle[index]])


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
