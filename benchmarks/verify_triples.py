"""Reads (gold, prediction, expected verdict) triples out of other projects' test files, which are parsed and never run.

Each reader knows one way in which such tests are written. What a reader cannot resolve to literal text, it leaves out.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

GOLD = ("gold", "gt", "target", "reference", "ground_truth")
PREDICTION = ("pred", "prediction", "given", "answer", "output", "completion")
EXPECTED = ("expected", "result")
RIGHT = (True, 1, 1.0, "C", "CORRECT")


class Triple(NamedTuple):
    """One case: a gold answer, what was said, and whether it is right."""

    gold: str
    prediction: str
    right: bool


def parametrized(path: Path, skip: tuple[str, ...] = (), sides: str = "") -> Iterator[Triple]:
    """Rows of `pytest.mark.parametrize`; the functions in `skip` are left out.

    With `sides`, the one parameter of that name is a pair, which is read both ways.
    """
    for function in functions(path):
        right = not re.search("incorrect|invalid|wrong|differ|not_credit|not_truth|large_integers", function.name)
        for names, rows in marks(function):
            for row in rows if function.name not in skip else ():
                if sides and names == [sides]:
                    yield from (Triple(text(b), text(a), right) for a, b in (row, row[::-1]) if None not in row)
                    continue
                found = dict(zip(names, row, strict=False)) if isinstance(row, tuple) else row
                if not isinstance(found, dict):
                    continue
                gold, said = first(found, GOLD), first(found, PREDICTION)
                if gold is None and "completion" in found:  # a dictionary of a completion and its answer
                    gold, said = found.get("answer"), found["completion"]
                expected = first(found, EXPECTED)
                if gold is not None and said is not None:
                    yield Triple(text(gold), text(said), right if expected is None else expected in RIGHT)


def calls(path: Path, names: str, gold_last: bool = True, turned: bool = False) -> Iterator[Triple]:
    """Asserted calls of functions with these names and two texts, with literal variables and loops over literal pairs.

    With `turned`, `assertFalse` holds the negation already.
    """
    for function in functions(path):
        known: dict[str, Any] = {}
        for node in ordered(function):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                known[node.targets[0].id] = literal(node.value, known)
            elif isinstance(node, ast.For) and isinstance(node.target, ast.Tuple):
                pairs = literal(node.iter, known)
                for pair in pairs if isinstance(pairs, list | tuple) else ():
                    inner = known | dict(zip((one.id for one in node.target.elts), pair, strict=False))
                    for line in ast.walk(node):
                        yield from _call(line, names, inner, gold_last, turned)
            elif not any(isinstance(one, ast.For) and node in ast.walk(one) for one in ast.walk(function)):
                yield from _call(node, names, known, gold_last, turned)


def _call(node: ast.AST, names: str, known: dict[str, Any], gold_last: bool, turned: bool) -> Iterator[Triple]:
    right, inside = asserted(node, turned)
    while isinstance(inside, ast.Call) and ast.unparse(inside.func) in ("bool", "int") and inside.args:
        inside = inside.args[0]
    if isinstance(inside, ast.Attribute):
        inside = inside.value
    if right is None or not isinstance(inside, ast.Call) or not re.fullmatch(names, ast.unparse(inside.func)):
        return
    sides = [literal(one, known) for one in inside.args[:2]]
    if len(sides) < 2 or any(one is None for one in sides):
        return
    said, gold = sides if gold_last else sides[::-1]
    gold = gold[0] if isinstance(gold, tuple) and len(gold) == 1 else gold
    if isinstance(gold, str | int | float) and isinstance(said, str | int | float):
        yield Triple(text(gold), text(said), right)


def asserted(node: ast.AST, turned: bool = False) -> tuple[bool | None, ast.AST]:
    """What an assertion says of an expression: (whether it is true, the expression); (None, node) if it is none."""
    if isinstance(node, ast.Assert):
        test = node.test
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            return False, test.operand
        if isinstance(test, ast.Compare):
            return ast.unparse(test.comparators[0]) in ("True", "1", "1.0", "'correct'"), test.left
        return True, test
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        name, arguments = ast.unparse(node.value.func), node.value.args
        if name.endswith(("assertTrue", "assertFalse")):
            return name.endswith("True") != (turned and name.endswith("False")), arguments[0]
        if name.endswith("assertEqual"):
            return ast.unparse(arguments[1]) in ("1.0", "1", "True"), arguments[0]
    return None, node


def keywords(path: Path, said: str, gold: str) -> Iterator[Triple]:
    """Results of calls with keywords for the prediction and the gold answer, asserted by the name of their variable."""
    for function in functions(path):
        known: dict[str, tuple[Any, Any]] = {}
        for node in ordered(function):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                given = {one.arg: literal(one.value, {}) for one in node.value.keywords}
                known[ast.unparse(node.targets[0])] = given.get(said), given.get(gold)
            elif isinstance(node, ast.Assert) and isinstance(node.test, ast.Compare):
                pair = known.get(ast.unparse(node.test.left), (None, None))
                if None not in pair:
                    yield Triple(text(pair[1]), text(pair[0]), asserted(node)[0] is True)


def batches(path: Path, only: str) -> Iterator[Triple]:
    """Lists of completions and of golds, with assertions on `rewards[i]`, in functions whose name matches."""
    for function in functions(path):
        said: list[str] = []
        golds: list[str] = []
        for node in ordered(function):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                value, name = literal(node.value, {}), node.targets[0].id
                if name in ("completion", "completions") and value:
                    said = list(flat(value))
                elif name in ("solution", "solutions") and value:
                    golds = list(flat(value))
            right, inside = asserted(node)
            index = re.fullmatch(r"rewards\[(\d+)\]", ast.unparse(inside)) if right is not None else None
            if index and re.search(only, function.name) and "None" not in ast.unparse(node):
                yield Triple(golds[int(index[1])], said[int(index[1])], right is True)


def responses(path: Path) -> Iterator[Triple]:
    """A `model_response` with the `ground_truth` of a task, and an assertion on `output.is_correct`."""
    for function in functions(path):
        said = gold = right = None
        for node in ordered(function):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                said = literal(node.value, {}) if name == "model_response" else said
                if name == "task_info" and isinstance(node.value, ast.Dict):
                    pairs = zip(node.value.keys, node.value.values, strict=True)
                    gold = next(
                        (literal(value, {}) for key, value in pairs if literal(key, {}) == "ground_truth"), None
                    )
            elif isinstance(node, ast.Assert) and "is_correct" in ast.unparse(node):
                right = asserted(node)[0]
        if isinstance(said, str) and isinstance(gold, str) and right is not None:
            yield Triple(gold, said, right)


def chats(path: Path, verdicts: str) -> Iterator[Triple]:
    """The last messages of chats with the `ground_truth` of each, in order; the verdicts stand elsewhere in the file."""
    found: list[tuple[str, str]] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        value = literal(node, {}) if isinstance(node, ast.Dict) else None
        if isinstance(value, dict) and {"message_log_batch", "metadata"} <= value.keys():
            logs = [log[-1]["content"] for log in value["message_log_batch"]]
            found += zip((row["ground_truth"] for row in value["metadata"]), logs, strict=True)
    for (gold, said), verdict in zip(found, verdicts, strict=True):
        if verdict != "-":
            yield Triple(gold, said, verdict == "1")


def module_lists(path: Path, right: tuple[str, ...], wrong: tuple[str, ...]) -> Iterator[Triple]:
    """Lists of pairs (prediction, gold) in a module, by name."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in right + wrong:
            for said, gold in literal(node.value, {}) or ():
                yield Triple(text(gold), text(said), ast.unparse(node.targets[0]) in right)


def objects(path: Path) -> Iterator[Triple]:
    """JSON: objects with output, target and expected, or with an answer that is right and one that is wrong."""
    for row in json.loads(path.read_text(encoding="utf-8")):
        if "fn_output" in row:
            yield Triple(row["ground_truth"], row["fn_output"], True)
            yield Triple(row["ground_truth"], row["tn_output"], False)
        else:
            yield Triple(row["target"], row["output"], row["expected"] in RIGHT)


def prompt(path: Path) -> Iterator[Triple]:
    """Examples in the prompt of a judge: two expressions, and Yes or No."""
    shown = re.compile(r"Expression 1: ([^\n]*)\n\s*Expression 2: ([^\n]*)\n\s*(Yes|No)")
    for match in shown.finditer(path.read_text(encoding="utf-8")):
        yield Triple(match[2].strip(), match[1].strip(), match[3] == "Yes")


def comments(path: Path, verdicts: str) -> Iterator[Triple]:
    """Calls and pairs in the comments of a file, in order; the file does not say what it expects of each."""
    source = path.read_text(encoding="utf-8")
    body = source[source.index("def _test_math_equal") :]
    one = r"""(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")"""
    shown = re.compile(rf"math_equal\({one}, {one}|(?:pred|gt) *= *{one}[,\s#]*(?:pred|gt) *= *{one}")
    pairs = []
    for match in shown.finditer(body):
        sides = [literal(ast.parse(f'"{side}"', mode="eval").body, {}) for side in match.groups() if side is not None]
        pairs.append(sides[::-1] if match[0].startswith("gt") else sides)
    for (said, gold), verdict in zip(pairs, verdicts, strict=True):
        yield Triple(gold, said, verdict == "1")


# what the readers share


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """All functions of a file, in order."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return sorted(found, key=lambda node: node.lineno)


def ordered(function: ast.AST) -> list[Any]:
    """The statements of a function, in order."""
    return sorted((node for node in ast.walk(function) if isinstance(node, ast.stmt)), key=lambda node: node.lineno)


def marks(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[list[str], list[Any]]]:
    """The names and rows of each `parametrize` of a function."""
    for mark in function.decorator_list:
        if isinstance(mark, ast.Call) and ast.unparse(mark.func).endswith(("parametrize", "expand")):
            rows = mark.args[-1]
            if isinstance(rows, ast.List | ast.Tuple):
                names = literal(mark.args[0], {}) if len(mark.args) > 1 else ["given", "gt"]
                names = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
                yield names, [value for value in (literal(row, {}) for row in rows.elts) if value is not None]


def literal(node: ast.AST, known: dict[str, Any]) -> Any:
    """The value of a literal, of a known name, of arithmetic on numbers, or of `Target([...])`; None for all else."""
    if isinstance(node, ast.Name):
        return known.get(node.id) or (node.id if node.id in ("CORRECT", "INCORRECT") else None)
    if isinstance(node, ast.Tuple):
        values = [literal(one, known) for one in node.elts]
        return None if None in values and len(values) != 2 else tuple(values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        sides = literal(node.left, known), literal(node.right, known)
        return sides[0] / sides[1] if all(isinstance(side, int) for side in sides) else None
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        return None


def flat(value: Any) -> Iterator[str]:
    """All texts in nested lists and in the contents of messages."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from flat(value.get("content", []))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from flat(one)


def first(row: dict[str, Any], names: tuple[str, ...]) -> Any:
    """The first of the named values that a row has."""
    return next((row[name] for name in names if name in row), None)


def text(value: Any) -> str:
    """A value as it would stand in a data file."""
    return value if isinstance(value, str) else repr(value)
