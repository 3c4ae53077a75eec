"""reasoning_gym: nothing of a model's text runs, in our process or in the worker; work is bounded; rows are reproducible.

The gate and the system call filter are tested without the package, the rest where it is installed (Linux).
"""

from __future__ import annotations

import ast
import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hicra.errors import ConfigError, EngineError
from hicra.tasks.base import make_task
from hicra.tasks.reasoning_gym import gate, sandbox, seccomp
from hicra.tasks.reasoning_gym.task import ReasoningGym, answer_of

installed = pytest.mark.skipif(
    importlib.util.find_spec("reasoning_gym") is None or not seccomp.supported(),
    reason="no reasoning-gym, or not Linux",
)
linux = pytest.mark.skipif(not seccomp.supported(), reason="no seccomp here")
EVALUATED = (  # each runs its answer through eval or sympy's parser
    "countdown", "puzzle24", "polynomial_multiplication", "simple_integration", "spiral_matrix", "binary_matrix",
    "string_insertion", "n_queens", "bitwise_arithmetic",
)  # fmt: skip


# ---- the gate
@pytest.mark.parametrize(
    "text",
    [
        "12", "-3.5", "'a'", "[['Q', '_'], ['_', 'Q']]", "(1, 2)", "{'a': 1}", "{1, 2}", "1 + 2*3 - 4/5", "2**10", "2**0.5", "x",
        "3*x**2 - 5*x + C", "Integer (9 )*Integer (3 )/Integer (9 )", "Symbol ('x')**Integer (3 )", "Float ('0.25')", "sqrt(2)",
        "x**(1/2)", "True", "None", "  7", "(0x12 << 3) & 7", "exp(-x)*sin(x)",
    ],
)  # fmt: skip
def test_the_gate_lets_arithmetic_and_literals_pass(text: str) -> None:
    gate.check(text)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')", "().__class__", "x.y", "x[0]", "lambda: 1", "[x for x in y]",
        "{x: y for x in z}", "f'{x}'", "open('a')", "eval('1')", "sympify('1')", "Symbol('x').__class__", "Symbol('x', y=1)",
        "Symbol('__import__(1)')", "Function('f')(1)",
        "print(1)", "(yield)", "(a := 1)", "*x", "x if y else z", "x < y", "x and y", "not x", "~x", "b'a'", "...", "import os",
        "x = 1", "def f(): pass", "1; 2", "assert 0", "@x\nclass A: pass", "await x", "Symbol(*x)", "log(x, y, z)",
        "9**9**9", "(9**50)**50", "x**1000", "2**x", "factorial(10)", "'a'*9", "[1]*9", "[1]+[2]", "1 << 9999", "1 << x",
        "9" * 401, "Integer('" + "9" * 500 + "')", "Float('1e9999')", "1" + "+1" * 1500,
        "[" * 100 + "1" + "]" * 100, "-" * 90 + "1", "1 " * 11_000,
    ],
)  # fmt: skip
def test_the_gate_refuses_everything_else(text: str) -> None:
    with pytest.raises(gate.Refused):
        gate.check(text)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="()[]{}.,:'\"+-*/= \n\\_abcdefxlmnoprsty0123456789", max_size=40))
def test_what_passes_has_no_attribute_subscript_or_unknown_call(text: str) -> None:
    try:
        gate.check(text)
    except (gate.Refused, SyntaxError):
        return
    for node in ast.walk(ast.parse(text.strip(), mode="eval")):
        assert not isinstance(
            node, ast.Attribute | ast.Subscript | ast.Lambda | ast.Compare | ast.JoinedStr | ast.ListComp
        )
        assert not isinstance(node, ast.Call) or (isinstance(node.func, ast.Name) and node.func.id in gate.CALLS)


def run(code: str, tmp_path: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_closed_gate_stops_eval_exec_compile_files_and_imports(tmp_path: Path) -> None:
    code = """
import sys
from hicra.tasks.reasoning_gym.gate import Gate, Refused
g = Gate()
assert eval("1 if True else 2") == 1, "open until it is closed"
compiled = []
tries = {
    "eval": lambda: eval("open('canary', 'w')"),
    "exec": lambda: exec("open('canary', 'w')"),
    "statement": lambda: exec("import os"),
    "compile": lambda: compile("().x", "f", "eval"),
    "single": lambda: compile("x = 1", "f", "single"),
    "bytes": lambda: eval(b"# coding: utf-7\\n1"),
    "open": lambda: open("canary", "w"),
    "import": lambda: __import__("wave"),
    "system": lambda: sys.modules["os"].system("touch canary"),
    "remove": lambda: sys.modules["os"].remove("nothing"),
}
import os
g.close()
for name, call in tries.items():
    g.refused = None
    try:
        call()
    except Refused:
        assert g.refused, name
    else:
        raise SystemExit(name + " passed")
g.refused = None
assert eval("1 + 2") == 3 and eval("[1, 'a']") == [1, "a"] and g.refused is None
try:
    eval("no python at all !")
except SyntaxError:
    assert g.refused is None
print("done")
"""
    assert run(code, tmp_path) == "done\n"
    assert list(tmp_path.iterdir()) == []


# ---- the system calls
@linux
def test_a_stripped_process_has_no_files_network_or_children_even_with_the_gate_open(tmp_path: Path) -> None:
    code = """
import os, socket, time
from hicra.tasks.reasoning_gym.worker import strip
reader, writer = os.pipe()
child = os.fork()
if child == 0:
    strip(1.0)
    tries = {
        "write": lambda: os.open("canary", os.O_CREAT | os.O_WRONLY), "read": lambda: os.open("/etc/passwd", os.O_RDONLY),
        "network": lambda: socket.socket(), "fork": os.fork, "exec": lambda: os.execv("/bin/true", ["true"]),
        "kill": lambda: os.kill(os.getppid(), 0), "unlink": lambda: os.unlink("kept"), "pipe": os.pipe,
    }
    for name, call in tries.items():
        try:
            call()
        except OSError:
            os.write(writer, (name + " ").encode())
    try:
        bytearray(2**30)
    except MemoryError:
        os.write(writer, b"memory ")
    while True:
        sum(range(10**6))
os.close(writer)
open("kept", "w").close()
begin = time.monotonic()
_, status = os.waitpid(child, 0)
print(os.read(reader, 1000).decode(), "signal" if os.WIFSIGNALED(status) else "lived", time.monotonic() - begin < 30)
"""
    assert run(code, tmp_path) == "write read network fork exec kill unlink pipe memory  signal True\n"
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_the_filter_by_hand() -> None:
    steps = [seccomp.struct.unpack("=HBBI", seccomp.program("x86_64")[at : at + 8]) for at in range(0, 8 * 35, 8)]
    assert len(steps) == 4 + 29 + 2
    assert steps[0] == (0x20, 0, 0, 4)  # the architecture
    assert steps[1] == (0x15, 1, 0, 0xC000003E)
    for index, (_, jump, _, _) in enumerate(steps[4:33]):
        assert 4 + index + 1 + jump == 34  # each jumps to the last step, "allow"
    assert steps[33][3] == 0x00050001  # EPERM
    numbers = {step[3] for step in steps[4:33]}
    assert not numbers & {
        2,
        257,
        41,
        56,
        57,
        58,
        59,
        62,
        322,
        435,
        437,
    }  # open, openat, socket, clone, fork, exec, kill ...


# ---- the task
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<answer>7</answer>", "7"), ("<answer>1</answer> no, <answer> 2 </answer>", "2"),
        ("<answer>1</answer><answer> </answer>", "1"),
        ("<answer>a\nb</answer>", "a\nb"), ("<answer>7", None), ("7</answer>", None), ("7", None), ("", None),
        ("<answer></answer>", None), ("<answer>1<answer>2</answer>", "2"), ("</answer>" * 50_000, None),
        ("<answer></answer>" * 30_000 + "<answer>", None),
    ],
)  # fmt: skip
def test_the_answer_is_the_last_complete_one(text: str, found: str | None) -> None:
    begin = time.process_time()
    assert answer_of(text) == found
    assert time.process_time() - begin < 1


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({}, "dataset is None"),
        ({"dataset": "x", "sise": 3}, r"no such setting[\s\S]*mean 'size'"),
        ({"dataset": "x", "config": {"seed": 1}}, "config"),
        ({"dataset": "x", "size": 1}, "size is 1"),
        ({"dataset": "x", "partial": 1}, "partial"),
        ({"dataset": "x", "timeout": 0.1}, "timeout"),
        ({"dataset": "x", "prompt": "papr"}, "did you mean 'paper'"),
    ],
)
def test_bad_settings_are_refused(bad: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ReasoningGym(**bad)


def test_without_the_filter_nothing_is_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seccomp, "supported", lambda: False)
    with pytest.raises(EngineError, match="seccomp"):
        sandbox.Sandbox().ask({"what": "names"}, 1)


@installed
def test_rows_are_seeded_distinct_and_disjoint() -> None:
    task = make_task("reasoning_gym", dataset="countdown")
    rows = task.rows("train", 6, 3)
    assert rows == task.rows("train", 8, 3)[:6]
    assert rows != task.rows("train", 6, 4)
    assert not {row["question"] for row in task.rows("train", 40)} & {row["question"] for row in task.rows("eval", 10)}
    assert list(rows[0]) == ["id", "prompt", "question", "answer", "index"]
    assert "reasoning_gym" not in sys.modules  # it lives in the worker alone


@installed
@pytest.mark.parametrize("dataset", EVALUATED)
def test_no_text_runs_and_right_answers_pay(dataset: str, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    task = make_task("reasoning_gym", dataset=dataset)
    row = task.rows("train", 1)[0]
    assert task.score(f"so <answer>{row['answer']}</answer>", row, True).reward == 1.0
    for text in (
        f"__import__('os').system('touch {canary}')",
        f"open('{canary}', 'w')",
        f"[open('{canary}', 'w')]",
        f"().__class__.__base__.__subclasses__() or open('{canary}', 'w')",
        f"exec(\"open('{canary}', 'w')\")",
        f"import os; os.system('touch {canary}')",
        f"(lambda: open('{canary}', 'w'))()",
        f"Symbol('x').__init__.__globals__['__builtins__']['open']('{canary}', 'w')",
        "__import__('os').kill(__import__('os').getppid(), 9)",
        "__import__('os')._exit(0)",
    ):
        score = task.score(f"<answer>{text}</answer>", row, True)
        assert (score.reward, score.correct) in ((0.0, False), (None, None)), text
        assert not canary.exists(), text


@installed
def test_bombs_end_by_size_and_the_worker_lives_on() -> None:
    task = make_task("reasoning_gym", dataset="countdown")
    row = task.rows("train", 1)[0]
    child = sandbox.SANDBOX._child
    for text in (
        "9**9**9**9",
        "factorial(10**9)",
        "(x+1)**(10**9)",
        "1e999999999",
        "'a'*10**10",
        "(" * 4000 + "1" + ")" * 4000,
    ):
        begin = time.monotonic()
        assert task.score(f"<answer>{text}</answer>", row, True).reward == 0.0, text
        assert time.monotonic() - begin < 5
    assert task.score("<answer>" + "1" * 9000 + "</answer>", row, True).verdict == "wrong"
    assert task.score("none", row, True).verdict == "no_answer"
    assert sandbox.SANDBOX._child is child


@installed
def test_a_killed_worker_is_none_once_and_replaced() -> None:
    task = make_task("reasoning_gym", dataset="leg_counting")
    row = task.rows("train", 1)[0]
    child = sandbox.SANDBOX._child
    assert child is not None
    os.kill(child.pid, 9)
    child.wait()
    assert task.score(f"<answer>{row['answer']}</answer>", row, True).reward == 1.0


@installed
def test_an_unknown_data_set_and_a_scorer_that_pays_for_nonsense_are_named() -> None:
    with pytest.raises(ConfigError, match=r"'countdwn'.*not registered[\s\S]*mean 'countdown'"):
        make_task("reasoning_gym", dataset="countdwn").rows("train", 1)
    with pytest.raises(ConfigError, match=r"config"):
        make_task("reasoning_gym", dataset="countdown", config={"min_numbrs": 3}).rows("train", 1)
    with pytest.raises(ConfigError, match="pays for 'there is no answer'"):
        make_task("reasoning_gym", dataset="game_of_life_halting").rows("train", 8)


@installed
def test_partial_scores_are_paid_where_asked_for() -> None:
    task = make_task("reasoning_gym", dataset="countdown", partial=True)
    row = task.rows("train", 1)[0]
    score = task.score("<answer>1 + 1</answer>", row, True)
    assert score.correct is False
    assert score.reward is not None
    assert 0 < score.reward < 1
