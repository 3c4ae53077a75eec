"""How many threads there are, and that their results come in order."""

import os
import threading

import numpy as np
import pytest

from hicra.errors import ConfigError, DataError
from hicra.workers.threads import MOST, in_threads, thread_count


def test_the_number_is_the_callers_then_openmps_then_that_of_the_cores(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert thread_count(5) == 5
    assert type(thread_count(np.int64(5))) is int  # as a number that was read from an array
    assert thread_count() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "6,2")  # OpenMP: a number a level of nesting
    assert thread_count() == 6
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {4, 7}, raising=False)
    assert thread_count() == 2
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(96)), raising=False)
    assert thread_count() == MOST == 8


@pytest.mark.parametrize("wrong", [0, -1, 1.5, True, "2"])
def test_what_is_no_number_of_threads_is_refused(wrong):
    with pytest.raises(ConfigError, match="threads is"):
        thread_count(wrong)


@pytest.mark.parametrize("wrong", ["0", "many", "-2", "1.5"])
def test_a_wrong_openmp_variable_is_named(monkeypatch, wrong):
    monkeypatch.setenv("OMP_NUM_THREADS", wrong)
    with pytest.raises(ConfigError, match="OMP_NUM_THREADS is"):
        thread_count()


def test_results_come_in_order_from_several_threads_at_once():
    meet = threading.Barrier(2, timeout=60)  # passes only when two threads stand at it

    def work(item):
        meet.wait()
        return item * 10, threading.get_ident()

    found = list(in_threads(work, range(4), 2))
    assert [value for value, _ in found] == [0, 10, 20, 30]
    assert len({ident for _, ident in found}) == 2


def test_one_thread_is_the_callers_own():
    assert list(in_threads(lambda _: threading.get_ident(), [1, 2], 1)) == [threading.get_ident()] * 2
    assert list(in_threads(lambda _: threading.get_ident(), [1], 4)) == [threading.get_ident()]


@pytest.mark.parametrize("threads", [1, 3])
def test_the_first_error_in_order_is_raised(threads):
    def work(item):
        if item >= 2:
            raise DataError(f"item {item}")
        return item

    with pytest.raises(DataError, match="item 2"):
        list(in_threads(work, range(50), threads))
