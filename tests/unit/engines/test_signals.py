"""A first signal lets the step end and be saved; a second one ends the process at once, as that signal ends one."""

import signal
import subprocess
import sys

import pytest

from hicra.engines.signals import StopRequest

WAITS = """
import time
from hicra.engines.signals import StopRequest
with StopRequest() as stop:
    print("ready", flush=True)
    while True:
        time.sleep(0.01)
        if stop.number:
            print(int(stop.number), flush=True)
            time.sleep(600)
"""


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGINT])
def test_the_second_signal_ends_the_process_as_itself(first, second):
    with subprocess.Popen(
        [sys.executable, "-c", WAITS], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as job:
        assert job.stdout.readline() == "ready\n"
        job.send_signal(first)
        assert job.stdout.readline() == f"{int(first)}\n"  # it goes on: the step is to end
        job.send_signal(second)
        _, err = job.communicate(timeout=60)
    assert job.returncode == -second
    assert "Traceback" not in err
    assert err.count("a checkpoint is saved") == 1


def test_the_handlers_of_before_are_put_back():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with StopRequest() as stop:
        signal.raise_signal(signal.SIGTERM)
        assert stop.number == signal.SIGTERM
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert StopRequest().number == 0
