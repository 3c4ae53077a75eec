"""What the demo says: time left once a unit was timed, the signal by start, the scatter of short runs; and who failed."""

import doctest
import json
import os
import signal
import time
from pathlib import Path

import pytest

from hicra.demo import arms, jobs, words
from hicra.demo.jobs import Reach, Work
from hicra.errors import EngineError

STUDY = Path(__file__).resolve().parents[2] / "studies" / "first-comparison" / "results.json"
TRAINING = Work("training", "step", 40, 5)


@pytest.mark.parametrize("module", [jobs, words], ids=["jobs", "words"])
def test_doctests(module):
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0


def test_a_run_without_a_line_has_no_reward(tmp_path):
    assert arms.latest(tmp_path) == Reach(0)
    with open(tmp_path / "metrics.jsonl", "w", encoding="utf-8") as file:
        for step, reward, said in ((1, 0.5, "reward 0.50"), (2, None, "")):
            file.write(json.dumps({"step": step, "hicra/reward": reward}) + "\n")
            file.flush()
            assert arms.latest(tmp_path) == Reach(step, said)
        file.write('{"step": 3, "hicra/rew')  # a line that is being written
        file.flush()
        assert arms.latest(tmp_path) == Reach(2)


@pytest.mark.parametrize(("fresh", "seconds", "said"), [(0, 9.0, ""), (10, 20.0, "; about 60 s left of training")])
def test_time_left_is_said_once_a_step_was_timed(fresh, seconds, said):
    text = jobs.progress(TRAINING, {"none": Reach(12, "reward 0.25"), "hicra": Reach(10)}, fresh, seconds)
    assert text == f"none: step 12 of 40, reward 0.25; hicra: step 10 of 40{said}"  # 30 left at 2 s each


def module(folder, name, text):
    (folder / f"{name}.py").write_text(text)
    return [name]


def test_processes_run_at_once_and_one_that_fails_is_named_with_what_it_said(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(jobs, "POLL_S", 0.05)
    good = module(tmp_path, "good_one", "import os; print('batch 1', os.environ['OMP_NUM_THREADS'])")
    bad = module(
        tmp_path, "bad_one", "import sys; print('begun', flush=True); sys.exit('error: no room\\n  fix: make some')"
    )
    jobs.side_by_side(TRAINING, {"a": good, "b": good}, tmp_path, lambda name: Reach(0), pytest.fail)
    assert (tmp_path / "b.log").read_text() == "batch 1 1\n"
    with pytest.raises(EngineError) as error:
        jobs.side_by_side(TRAINING, {"a": good, "b": bad}, tmp_path, lambda name: Reach(0), pytest.fail)
    assert error.value.message == "training b ended with 1: error: no room fix: make some"
    assert str(tmp_path / "b.log") in error.value.fix


@pytest.mark.parametrize(("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)])
def test_no_process_outlives_an_end_from_outside(number, error, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(jobs, "POLL_S", 0.01)
    started, popen = [], jobs.subprocess.Popen
    monkeypatch.setattr(
        jobs.subprocess, "Popen", lambda *given, **more: started.append(popen(*given, **more)) or started[-1]
    )

    def reach(name):
        os.kill(os.getpid(), number)
        time.sleep(5)  # until the signal is seen

    sleeping = module(tmp_path, "sleeps", "import time; time.sleep(600)")
    # a job in the background inherits that SIGINT is ignored
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(error):
            jobs.side_by_side(TRAINING, {"a": sleeping, "b": sleeping}, tmp_path, reach, print)
    finally:
        signal.signal(signal.SIGINT, before)
    assert [job.returncode for job in started] == [-15, -15]


def kind(share, low, high):
    return {"signal": share, "noise": 1.0, "snr": share, "share": share, "ci": [low, high]}


def result(planning, accuracy, difference, ends):
    low, high = planning[1:]
    methods = {
        "none": {"difference": 0.0, "difference_ci": [0.0, 0.0], "cosine_ci": [0.2, 0.4]},
        "hicra": {"difference": difference, "difference_ci": ends},
    }
    return {
        "kinds": {"planning": kind(*planning), "execution": kind(1 - planning[0], 1 - high, 1 - low)}, "methods": methods,
        "accuracy": accuracy, "batches": 24, "rollouts": 6144, "seconds": 1.0, "groups": 9, "mixed_groups": 3,
        "warnings": ["whether a step of hicra is better cannot be told", "another"],
    }  # fmt: skip


SIGNAL = {
    "weak": result((0.1, 0.0, 0.2), 0.05, -0.001, [-0.01, 0.008]),
    "strong": result((0.99, 0.96, 1.02), 0.2, 0.045, [0.02, 0.07]),
}


def test_the_signal_of_both_starts_is_said_in_words_and_methods_with_their_intervals():
    weak, strong, head, names, hicra, chance, caution = words.signal_lines(SIGNAL)
    assert weak == "weak start (5 % right): 9 of 10 parts of the signal lie on execution tokens (80 to 100 %)."
    assert strong == "strong start (20 % right): Nearly all of the signal lies on planning tokens (96 to 102 %)."
    assert "minus that of none" in head
    assert names.split("start") == ["         weak ", "                                strong ", ""]
    assert "-0.001 (-0.010 to +0.008) not told apart" in hicra
    assert hicra.endswith("+0.045 (+0.020 to +0.070) better")
    assert "by chance" in chance
    assert caution.startswith("A better step is not yet a better run")


def test_a_step_that_cannot_be_told_has_no_number():
    found = {"weak": result((0.1, 0.0, 0.2), None, None, None)}
    lines = words.signal_lines(found)
    assert lines[0].startswith("weak start: ")
    assert lines[-3].split("  ")[-1] == "cannot be told"
    found["weak"]["methods"]["hicra"] = {"difference": 0.25, "difference_ci": None}
    assert words.signal_lines(found)[-3].endswith("+0.250 (no interval)")
    found["weak"]["methods"]["hicra"] = {"difference": -0.25, "difference_ci": [-0.5, -0.125]}
    assert words.signal_lines(found)[-3].endswith("-0.250 (-0.500 to -0.125) worse")


def test_where_the_gradient_is_noise_no_step_is_called_better():
    found = {"weak": result((0.1, 0.0, 0.2), None, 0.25, [0.1, 0.4])}
    assert words.signal_lines(found)[-3].endswith("+0.250 (+0.100 to +0.400) better")
    found["weak"]["methods"]["none"]["cosine_ci"] = [-0.01, 0.3]
    lines = words.signal_lines(found)
    assert "cannot be told from noise with these batches" in lines[1]
    assert lines[-3].endswith("+0.250 (+0.100 to +0.400) not told apart")


def test_commands_that_go_on_name_a_folder_with_a_space_as_a_shell_reads_it(tmp_path):
    assert "-o 'my demo/three.html'" in words.next_commands(Path("my demo"))[3]


@pytest.mark.skipif(not STUDY.exists(), reason="the studies are not here")
def test_the_scatter_that_is_said_is_that_of_the_study():
    found = json.loads(STUDY.read_text())["values"]["held_out_accuracy"]
    differences = [one - other for one, other in zip(found["hicra"], found["none"], strict=True)]
    assert (min(found["none"]), max(found["none"])) == pytest.approx(arms.GRPO_ENDS, abs=5e-4)
    assert (min(differences), max(differences)) == pytest.approx(arms.DIFFERENCES, abs=5e-4)
    # 83.0 - 56.7 = 26.3
    assert "26 points apart by chance alone (56.7 to 83.0 % held out)" in arms.chance()
    assert "-25 to +15 points" in arms.chance()


def test_one_seed_gives_no_verdict():
    ends = {arm: {"final": {"accuracy": accuracy}} for arm, accuracy in (("none", 0.5), ("hicra", 0.9))}
    found = arms.compare(ends)
    assert found["verdict"] == "inconclusive"
    assert found["difference"] == pytest.approx(0.4)
    assert "neither arm is called better" in found["chance"]
    assert words._verdict(found) == {
        "HICRA minus GRPO (none)": "+40.0 points of held-out accuracy, inconclusive: one seed; a verdict needs at least 6 paired "
        "seeds",
        "by chance": found["chance"],
    }


def test_the_summary_tells_the_signal_before_the_training_and_the_scatter_beside_it():
    stage = {"accuracy": 0.25, "ci": [0.2, 0.3]}
    ends = {
        arm: {"start": stage, "final": {"accuracy": accuracy, "ci": [0.4, 0.6]}}
        for arm, accuracy in (("none", 0.5), ("hicra", 0.9))
    }
    score = {"precision": 0.9, "recall": 0.4, "base_rate": 0.3}
    made = {
        "signal": SIGNAL,
        "evaluation": ends,
        "verdict": arms.compare(ends),
        "mask_score": score,
        "report": "r.html",
    }
    lines = words.summary(made, Path("demo")).split("\n")
    assert lines[0] == "1. Where the learning signal is (24 batches of each start, the exact planning tokens)"
    second = next(at for at, line in enumerate(lines) if line.startswith("2. "))
    assert lines[second + 1] == "   none   held-out accuracy 0.250 -> 0.500 (95 % 0.400 to 0.600)"
    assert lines[second + 3].startswith("   hicra against none: +0.400, inconclusive (one seed")
    assert "by chance alone" in " ".join(line.strip() for line in lines[second + 4 : second + 8])
    assert max(map(len, lines[second:-6])) <= 120
