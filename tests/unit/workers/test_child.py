"""A child over JSON lines: it answers, and what ends it is told apart."""

import os
import signal
import sys
from pathlib import Path

import pytest

from hicra.workers.child import LineProcess

SERVE = """
import os, sys, time
from hicra.workers.serve import cpu_limit, serve
def answer(request):
    what = request["what"]
    if what == "spin":
        cpu_limit(0.5)
        while True: pass
    if what == "sleep": time.sleep(60)
    if what == "die": os._exit(3)
    if what == "write":
        try:
            with open(arguments[0], "w") as file: file.write("x")
        except OSError: return {"refused": True}
    if what == "memory":
        try: bytes(2 * 2**30)
        except MemoryError: return {"refused": True}
    if what == "print": print("this is no reply")
    return request
serve(lambda: answer, 1024)
"""


@pytest.fixture
def child(tmp_path):
    process = LineProcess(SERVE, [str(tmp_path / "file")])
    assert process.wait(60) == {"ready": True}
    yield process
    process.kill()
    assert process.child.returncode is not None


def ask(process, what, seconds=30, **more):
    assert process.write({"what": what, **more}, seconds)
    return process.wait(seconds)


def test_a_line_for_a_line(child):
    long = "\u2028 \n \ud800" + "x" * 300_000
    assert ask(child, "echo", text=long) == {"what": "echo", "text": long}
    assert ask(child, "print") == {"what": "print"}  # what is printed is no reply
    assert child.alive()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere memory is not bounded")
def test_it_writes_no_file_and_has_bounded_memory(child, tmp_path):
    assert ask(child, "write") == {"refused": True}
    assert not (tmp_path / "file").exists() or (tmp_path / "file").read_text() == ""
    assert ask(child, "memory") == {"refused": True}


@pytest.mark.parametrize(("what", "seconds"), [("spin", 60), ("sleep", 0.2)])
@pytest.mark.slow
def test_out_of_cpu_time_and_out_of_time_are_a_timeout(child, what, seconds):
    with pytest.raises(TimeoutError):
        ask(child, what, seconds)
    assert child.alive() == (what == "sleep")  # who is late by the clock is the caller's to kill


def test_a_child_that_dies_or_was_killed_is_gone(child):
    with pytest.raises(EOFError):
        ask(child, "die")
    assert child.child.returncode == 3
    assert not child.write({"what": "echo"}, 1)


def test_a_child_that_does_not_read_is_not_waited_for(child):
    os.kill(child.child.pid, signal.SIGSTOP)
    assert not child.write({"what": "x" * 10_000_000}, 0.2)


def test_what_is_missing_is_told():
    process = LineProcess("from hicra.workers.serve import serve;serve(lambda: __import__('no_such_module'), 512)")
    assert process.wait(60) == {"missing": "No module named 'no_such_module'"}
    with pytest.raises(EOFError):
        process.wait(60)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
def test_the_end_of_the_caller_is_the_end_of_the_child(child):
    child.socket.close()
    assert child.child.wait(30) == 0
