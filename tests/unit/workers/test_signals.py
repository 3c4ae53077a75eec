"""Signals while a block runs: what was there before comes back."""

import os
import signal
import threading

import pytest

from hicra.workers.signals import ends_on_sigterm, ignored, kept


@pytest.fixture
def no_handler():
    """The default for SIGTERM, whatever a test before has left (Ray leaves a handler of its own)."""
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def test_sigterm_ends_the_block_and_the_handler_comes_back(no_handler):
    def block():
        with ends_on_sigterm():
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()

    with pytest.raises(SystemExit) as ended:
        block()
    assert ended.value.code == 143
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_signal_is_ignored_inside_the_block_and_the_handler_comes_back():
    seen = []
    before = signal.signal(signal.SIGUSR1, lambda *_: seen.append(1))
    try:
        with ignored(signal.SIGUSR1):
            os.kill(os.getpid(), signal.SIGUSR1)
        assert seen == []
        os.kill(os.getpid(), signal.SIGUSR1)
        assert seen == [1]
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_what_a_library_sets_does_not_stay(no_handler):
    def library():
        with kept(signal.SIGTERM):
            signal.signal(signal.SIGTERM, lambda *_: None)
            raise ConnectionError

    with pytest.raises(ConnectionError):
        library()
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_beside_the_main_thread_nothing_changes(no_handler):
    found = []

    def block():
        with ends_on_sigterm(), ignored(signal.SIGINT), kept(signal.SIGTERM):
            found.append((signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=block)
    thread.start()
    thread.join()
    assert found == [(signal.SIG_DFL, before)]
