"""No scorer that reasoning_gym may use runs what a model wrote: by its source, and by what Python compiles while it scores."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from hicra.tasks.reasoning_gym.refused import REFUSED, VERSION
from scorer_paths import Package

installed = pytest.mark.skipif(importlib.util.find_spec("reasoning_gym") is None, reason="no reasoning-gym")
OWN_TEXT = {  # these evaluate what their generator wrote, and an answer never becomes a part of it
    "bitwise_arithmetic": {"eval(problem)"},
    "number_sorting": {"eval(entry['answer'])"},
}
HARMLESS = frozenset(  # libraries that run no text they are given (magiccube reads moves by a regular expression)
    ("collections", "copy", "csv", "dataclasses", "datetime", "decimal", "enum", "fractions", "heapq", "importlib", "json",
     "magiccube", "math", "numpy", "pathlib", "random", "re", "typing", "zss")
)  # fmt: skip


def fake(tmp_path: Path, **files: str) -> Package:
    (tmp_path / "reasoning_gym").mkdir()
    for name, text in {"__init__": "", **files}.items():
        (tmp_path / "reasoning_gym" / f"{name}.py").write_text(text)
    return Package(tmp_path)


@pytest.mark.parametrize(
    ("body", "runs", "libraries"),
    [
        ("return eval(answer)", {"eval(answer)"}, set()),
        ("f = eval\n  return f(answer)", {"eval"}, set()),
        ("return self.help(answer)", {"exec(text)"}, set()),
        ("return self.kept.deep(answer)", {"compile(text)"}, set()),
        ("return self.judges[0](answer)", {"eval"}, set()),
        ("return self.other.score_answer(answer)", {"self.other.score_answer(answer)"}, set()),
        ("return sp.sympify(answer)", {"sp.sympify(answer)"}, {"sympy"}),
        ("return sp.Integer(answer)", set(), {"sympy"}),
        ("return parse_expr(answer)", set(), set()),
        ("return re.compile('x').match(answer)", set(), {"re"}),
        ("return answer == 'x'", set(), set()),
    ],
)
def test_the_walk_sees_through_helpers_aliases_and_attributes(
    tmp_path: Path, body: str, runs: set[str], libraries: set[str]
) -> None:
    package = fake(
        tmp_path,
        helper="class Kept:\n def deep(self, text): return compile(text)\ndef far(text): exec(text)\n",
        sets="import re\nimport sympy as sp\nfrom .helper import Kept, far as near\n"
        "JUDGES, _ = [eval], 1\n"
        "def parse_expr(text): return text.split()\n"
        "class A:\n"
        " def __init__(self): self.kept = Kept(); self.judges = JUDGES; eval('generating')\n"
        " def help(self, text): near(text)\n"
        f" def score_answer(self, answer, entry):\n  {body}\n",
    )
    assert package.reached({"reasoning_gym.sets"}, "reasoning_gym.sets", "A") == (runs, libraries)


def test_what_a_data_set_puts_in_the_place_of_a_helper_counts(tmp_path: Path) -> None:
    base = "class A:\n def score_answer(self, answer, entry): return self.read(answer)\n def read(self, text): return text\n"
    package = fake(tmp_path, base=base, sets="class Made:\n def read(self, text): return eval(text)\n")
    assert package.reached({"reasoning_gym.base"}, "reasoning_gym.base", "A").runs == set()
    both = {"reasoning_gym.base", "reasoning_gym.sets"}
    assert package.reached(both, "reasoning_gym.base", "A").runs == {"eval(text)"}


def printed(code: str, folder: Path) -> Any:
    """What a fresh interpreter prints last, as JSON: the package is never imported here."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, cwd=folder, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


@installed
def test_the_refused_data_sets_are_those_whose_scorers_run_an_answer(tmp_path: Path) -> None:
    scorers = printed(
        "import json; from reasoning_gym.factory import DATASETS\n"
        "print(json.dumps({name: [[base.__module__ for base in kind.__mro__ if base.__module__.startswith('reasoning_gym')],"
        "kind.score_answer.__module__, kind.score_answer.__qualname__.split('.')[0]] for name, (kind, _) in DATASETS.items()}))",
        tmp_path,
    )
    spec = importlib.util.find_spec("reasoning_gym")
    assert spec is not None
    assert spec.origin is not None
    package = Package(Path(spec.origin).parents[1])
    found = {name: package.reached(set(bases), home, owner) for name, (bases, home, owner) in scorers.items()}
    assert len(found) >= 106
    assert {name for name, one in found.items() if one.runs - OWN_TEXT.get(name, set())} == set(REFUSED)
    assert {name: one.runs for name, one in found.items() if name in OWN_TEXT} == OWN_TEXT
    bitwise = package.file("reasoning_gym.arithmetic.bitwise_arithmetic")
    assert bitwise is not None
    assert 'verify_solution(entry["metadata"]["problem"], answer)' in bitwise.read_text()
    for name in found.keys() - REFUSED.keys():
        assert found[name].libraries <= HARMLESS, name
    for _, near in REFUSED.values():
        assert set(near) <= found.keys() - REFUSED.keys()
    assert version("reasoning-gym") == VERSION


@installed
def test_python_compiles_nothing_of_an_answer_while_it_is_scored(tmp_path: Path) -> None:
    code = """
import copy, json, sys
from reasoning_gym.factory import DATASETS, create_dataset
seen = {}
def hook(event, arguments):
    if event in ("compile", "open") and "canary" in repr(arguments[0]):
        seen[name].add(event)
sys.addaudithook(hook)
text = "len('canary')"
answers = ["canary", "file:canary", "a/canary", text, f"[{text}]", f"[[{text}]]", f"1 {text}", f"x + {text}", f"A=1, B={text}",
           json.dumps([text]), json.dumps([[text, 1]]), json.dumps({"a": text}), f"Symbol('x', {text})", f"open('canary')"]
for name in sorted(DATASETS.keys() - {"composite"}):
    seen[name] = set()
    kind = create_dataset(name, seed=1, size=10)
    entry = kind[0]
    gold = str(entry["answer"])
    for answer in [*answers, f"{gold} {text}", f"{text}\\n{gold}", gold.replace("1", text)]:
        try:
            kind.score_answer(answer, copy.deepcopy(entry))
        except Exception:
            pass
print()  # acre prints a point
print(json.dumps({name: sorted(events) for name, events in seen.items()}))
"""
    seen = printed(code, tmp_path)
    assert len(seen) >= 105
    assert {name for name, events in seen.items() if events} == REFUSED.keys() - {"composite"}
