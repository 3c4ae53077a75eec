"""The pool of workers: order, errors, deaths, and how far ahead it draws."""

import multiprocessing
import os
import signal

import pytest

from hicra.errors import ConfigError, DataError
from hicra.workers.pool import AHEAD, WorkerDied, ordered


def squares(offset):
    def work(task):
        if task == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if task == "data":
            raise DataError("no such row", "look again")
        if task == "bug":
            raise ZeroDivisionError("by hand")
        return task * task + offset

    return work


def refuses():
    raise ConfigError("no tokenizer here", "name one")


@pytest.mark.parametrize("workers", [1, 3])
def test_results_come_in_order_and_tasks_are_drawn_as_needed(workers):
    drawn = 0

    def tasks():
        nonlocal drawn
        for number in range(40):
            drawn += 1
            yield number

    for index, result in enumerate(ordered(squares, (1,), tasks(), workers)):
        assert result == index * index + 1
        assert drawn - index <= AHEAD * workers + 1
    assert drawn == 40
    assert list(ordered(squares, (0,), [], workers)) == []
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(
    ("task", "error", "words"),
    [
        ("die", WorkerDied, "died .signal SIGKILL"),
        ("data", DataError, "no such row\n  fix: look again"),
        ("bug", RuntimeError, "ZeroDivisionError: by hand"),
    ],
)
def test_what_goes_wrong_in_a_worker_is_raised_here(task, error, words):
    with pytest.raises(error, match=words):
        list(ordered(squares, (0,), [1, 2, task, *range(20)], 2))
    assert multiprocessing.active_children() == []


def test_a_worker_that_cannot_start_says_why():
    with pytest.raises(ConfigError, match="no tokenizer here"):
        list(ordered(refuses, (), [1, 2, 3], 2))


def test_leaving_early_ends_the_workers():
    results = ordered(squares, (0,), iter(range(1000)), 2)
    assert next(results) == 0
    results.close()
    assert multiprocessing.active_children() == []
