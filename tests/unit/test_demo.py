"""What the demo says while it trains: no figure before there is one, and the time left."""

import doctest
import json

import pytest

from hicra import demo


def test_doctests():
    found = doctest.testmod(demo)
    assert found.attempted > 0
    assert found.failed == 0


def test_a_run_without_a_line_has_no_reward(tmp_path):
    assert demo._latest(tmp_path) == (0, None)
    with open(tmp_path / "metrics.jsonl", "w", encoding="utf-8") as file:
        for step, reward in ((1, 0.5), (2, None)):
            file.write(json.dumps({"step": step, "hicra/reward": reward}) + "\n")
            file.flush()
            assert demo._latest(tmp_path) == (step, reward)
        file.write('{"step": 3, "hicra/rew')  # a line that is being written
        file.flush()
        assert demo._latest(tmp_path) == (2, None)


@pytest.mark.parametrize(("fresh", "seconds", "said"), [(0, 9.0, ""), (10, 20.0, "; about 60 s left of training")])
def test_time_left_is_said_once_a_step_was_timed(fresh, seconds, said):
    text = demo._progress({"none": (12, 0.25), "hicra": (10, 0.5)}, 40, fresh, seconds)
    assert text == f"none: step 12 of 40, reward 0.25; hicra: step 10 of 40, reward 0.50{said}"
