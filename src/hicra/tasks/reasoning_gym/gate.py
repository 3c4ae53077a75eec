"""What may be compiled in a process that scores: numbers, lists of literals, arithmetic, a few functions by name.

Several scorers of reasoning-gym hand the answer to eval or to sympy's parser, which evals. An audit hook sees every text
before Python compiles it, whoever asks, and cannot be taken off. A text whose syntax tree holds anything but the nodes
below is refused before it is compiled, so no attribute, no subscript, no import, no lambda and no call of an unknown name
ever runs. The same hook refuses files, sockets, processes and imports outright.

Work is bounded on the tree, so that what is refused is refused on every machine.
"""

from __future__ import annotations

import ast
import sys
from typing import Any

MAX_SOURCE = 20_000  # characters
MAX_NODES = 2_000
MAX_DEPTH = 60
MAX_DIGITS = 400
MAX_SHIFT = 4_096
TRUSTED = "from sympy import *"  # what sympy's parser itself runs first; it needs no import of anything new
MAX_POWER = 100  # product of the exponents in a chain of powers
CALLS = frozenset(
    ("Integer", "Float", "Rational", "Symbol", "sqrt", "exp", "log", "ln", "sin", "cos", "tan", "sec", "csc", "cot", "asin",
     "acos", "atan", "sinh", "cosh", "tanh", "Abs")
)  # fmt: skip
_PLAIN = (
    ast.Expression, ast.Constant, ast.Tuple, ast.List, ast.Dict, ast.Set, ast.UnaryOp, ast.BinOp, ast.Call, ast.Name, ast.Load,
    ast.UAdd, ast.USub, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.LShift, ast.RShift, ast.BitAnd,
    ast.BitOr, ast.BitXor,
)  # fmt: skip
_NO_NUMBER = (ast.Tuple, ast.List, ast.Dict, ast.Set)
_REFUSED = (
    "open", "import", "os.", "socket.", "subprocess.", "ctypes.", "shutil.", "tempfile.", "glob.", "pty.", "fcntl.", "mmap.",
    "pickle.", "marshal.", "urllib.", "http.", "signal.", "syslog.", "resource.", "code.__new__", "function.__new__",
    "builtins.input", "builtins.breakpoint", "sys._getframe", "sys.settrace", "sys.setprofile", "gc.", "sqlite3.",
)  # fmt: skip


class Refused(PermissionError):
    """The text, or what it set off, is more than arithmetic."""


def check(source: str) -> None:
    """Refuses a text that is more than literals and bounded arithmetic.

    Raises:
        Refused: it is (statements are), or it is too large.
        SyntaxError: it is no Python at all, so that nothing can come of it.
    """
    if len(source) > MAX_SOURCE:
        raise Refused(f"{len(source)} characters")
    try:
        tree = _parsed(source.strip())
    except (RecursionError, MemoryError, ValueError) as error:
        raise Refused(f"nested too deep or no text: {error}") from None
    left = MAX_NODES
    stack: list[tuple[ast.AST, int]] = [(tree, 0)]
    while stack:
        node, depth = stack.pop()
        left -= 1
        if left < 0 or depth > MAX_DEPTH:
            raise Refused("too large")
        _plain(node)
        stack += [(child, depth + 1) for child in ast.iter_child_nodes(node)]
    _power(tree)


def _parsed(source: str) -> ast.AST:
    """The tree of an expression. Raises Refused for statements, SyntaxError for what is neither."""
    try:
        return ast.parse(source, mode="eval")
    except SyntaxError as error:
        try:
            ast.parse(source + "\n", mode="exec")
        except SyntaxError:
            raise error from None
        raise Refused("statements") from None


def _plain(node: ast.AST) -> None:
    if not isinstance(node, _PLAIN):
        raise Refused(type(node).__name__)
    if isinstance(node, ast.Constant):
        _constant(node.value)
    elif isinstance(node, ast.BinOp):
        for side in (node.left, node.right):
            if isinstance(side, _NO_NUMBER) or (isinstance(side, ast.Constant) and isinstance(side.value, str)):
                raise Refused("arithmetic on a text or list")
        if isinstance(node.op, ast.LShift) and not (
            isinstance(node.right, ast.Constant) and isinstance(node.right.value, int) and node.right.value <= MAX_SHIFT
        ):
            raise Refused("a shift too far")
    elif isinstance(node, ast.Call):
        if not isinstance(node.func, ast.Name) or node.func.id not in CALLS or node.keywords or len(node.args) > 2:
            raise Refused("a call of an unknown function")
        for argument in node.args:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                _named(node.func.id, argument.value)


def _constant(value: Any) -> None:
    if isinstance(value, bytes) or value is Ellipsis:
        raise Refused(type(value).__name__)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**MAX_DIGITS:
        raise Refused("a number of too many digits")


def _named(function: str, text: str) -> None:
    """What a text may be inside a call: a name for Symbol, a short decimal for Integer, Float and Rational."""
    if function == "Symbol":
        if not text.isidentifier():
            raise Refused("a symbol that is no name")
        return
    head, _, exponent = text.lower().partition("e")
    if len(text) > MAX_DIGITS or not set(head) <= set("0123456789.+-/_") or len(exponent.lstrip("+-")) > 3:
        raise Refused("a number of too many digits")


def _power(node: ast.AST) -> int:
    """Largest product of exponents in a chain of powers below a node, at least 1; Refused past `MAX_POWER`."""
    below = max((_power(child) for child in ast.iter_child_nodes(node)), default=1)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        below *= max(1, _exponent(node.right))
        if below > MAX_POWER:
            raise Refused("a power too high")
    return below


def _exponent(node: ast.AST) -> int:
    """The size of an exponent that is a number, rounded up; Refused where it is anything else."""
    if isinstance(node, ast.UnaryOp):
        return _exponent(node.operand)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):  # a root
        _exponent(node.right)
        return _exponent(node.left)
    if isinstance(node, ast.Call) and len(node.args) == 1:
        return _exponent(node.args[0])
    value = node.value if isinstance(node, ast.Constant) else None
    if isinstance(value, str) and value.isdigit() and len(value) <= 4:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= MAX_POWER:
        raise Refused("a power too high")
    return int(abs(value)) + (value != int(value))


class Gate:
    """The audit hook of this process. `close()` puts it in force, for good; `refused` says what it stopped first."""

    def __init__(self) -> None:
        self.refused: str | None = None
        self._closed = self._busy = False
        sys.addaudithook(self._hook)

    def close(self) -> None:
        """From now on."""
        self._closed = True

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._closed or self._busy:
            return
        if event == "compile":
            self._busy = True  # parsing a text is what asks again
            try:
                self._text(arguments[0])
            except Refused as error:
                self._stop(f"compile: {error}")
            except SyntaxError:
                return  # whoever compiles it will find out
            finally:
                self._busy = False
        elif event.startswith(_REFUSED):
            self._stop(f"{event} {arguments[0]}" if event == "import" else event)

    def _text(self, source: Any) -> None:
        if source is None:  # a tree that was parsed, and looked at, before
            return
        if isinstance(source, bytes):
            if b"coding" in source:  # a declared encoding could make other characters of these bytes
                raise Refused("an encoding")
            source = source.decode("utf-8", "replace")
        if not isinstance(source, str):
            raise Refused(type(source).__name__)
        if source != TRUSTED:
            check(source)

    def _stop(self, what: str) -> None:
        self.refused = self.refused or what
        raise Refused(what)
