"""Which process this is, by what a launcher says, and how the rollouts of a step are shared."""

import pytest

from hicra.engines.ranks import rank, ranks, shared
from hicra.errors import ConfigError


@pytest.fixture
def launched(monkeypatch):
    """Says what torchrun would say of one of several processes."""

    def of(number, count):
        for name, value in (("RANK", number), ("LOCAL_RANK", number), ("WORLD_SIZE", count)):
            monkeypatch.setenv(name, str(value))

    for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    return of


def test_without_a_launcher_there_is_one_process(launched, monkeypatch):
    assert (rank(), ranks()) == (0, 1)
    monkeypatch.setenv("WORLD_SIZE", "8")  # left over from something else: no launcher has started this process
    assert (rank(), ranks()) == (0, 1)


def test_a_launcher_says_which_process_this_is(launched):
    launched(3, 4)
    assert (rank(), ranks()) == (3, 4)


@pytest.mark.parametrize(
    ("number", "count", "says"),
    [
        ("", "2", "RANK is '', no number"), ("-1", "2", "RANK is '-1', no number"), ("2", "2", "RANK is 2, and there are 2"),
        ("0", "two", "WORLD_SIZE is 'two', no number"), ("0", "0", "WORLD_SIZE is 0"),
    ],
)  # fmt: skip
def test_what_no_launcher_would_say_is_refused(launched, number, count, says):
    launched(number, count)
    with pytest.raises(ConfigError, match=says) as error:
        rank()
    assert "unset LOCAL_RANK" in error.value.fix


@pytest.mark.parametrize(
    ("processes", "rollouts", "micro", "expected"),
    [
        (1, 32, 0, (32, 1)),
        (1, 32, 8, (8, 4)),
        (2, 32, 0, (16, 1)),
        (2, 32, 8, (8, 2)),
        (4, 32, 8, (8, 1)),
        (4, 12, 1, (1, 3)),
    ],
)
def test_rollouts_are_shared_evenly(launched, processes, rollouts, micro, expected):
    launched(0, processes)
    assert shared(rollouts, micro) == expected
    assert expected[0] * expected[1] * processes == rollouts


@pytest.mark.parametrize(
    ("processes", "rollouts", "micro", "says"),
    [
        (2, 9, 0, "a step has 9 rollouts .*, which 2 processes cannot share evenly"),
        (4, 32, 16, "train.micro_batch is 16, which does not divide the 8 rollouts of each of 4 processes"),
    ],
)
def test_what_cannot_be_shared_is_refused_with_the_key(launched, processes, rollouts, micro, says):
    launched(0, processes)
    with pytest.raises(ConfigError, match=says):
        shared(rollouts, micro)
