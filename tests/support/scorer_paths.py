"""What a scorer of reasoning-gym can reach, read from syntax trees: more than it does reach, never less by a detour.

From `score_answer` on, every name that reached code mentions stands for all functions, classes, constants and attributes of
that name in the data set's module and in the modules of the package that it imports, directly or not. So nothing hides behind
an alias, an attribute, a helper or a type that only the run knows.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

RUNS_TEXT = frozenset(
    ("eval", "exec", "compile", "__import__", "import_module", "getattr", "globals", "locals", "vars", "sympify", "parse_expr",
     "parse_latex", "lambdify", "system", "popen")
)  # fmt: skip
NOT_FOLLOWED = ("reasoning_gym", "reasoning_gym.factory", "reasoning_gym.coaching")  # these lead to all data sets


class Reached(NamedTuple):
    """`runs`: what runs a text or asks another scorer, as source. `libraries`: what is used outside the package."""

    runs: set[str]
    libraries: set[str]


class Package:
    """reasoning_gym as files below a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.modules: dict[str, _Module] = {}

    def reached(self, modules: set[str], home: str, owner: str) -> Reached:
        """What a scorer reaches.

        Args:
            modules: of the data set's class and its bases.
            home: module of the class that defines `score_answer`.
            owner: name of that class.
        """
        definitions: defaultdict[str, list[tuple[ast.AST, _Module]]] = defaultdict(list)
        for module in self._imported(modules | {home}):
            for name, tree in module.defined:
                definitions[name].append((tree, module))
        todo = [
            (node, module)
            for tree, module in definitions[owner]
            for node in ast.iter_child_nodes(tree)
            if module is self.modules[home] and isinstance(node, ast.FunctionDef) and node.name == "score_answer"
        ]
        assert len(todo) == 1, f"{home}.{owner} has {len(todo)} scorers"
        found, seen = Reached(set(), set()), set()
        while todo:
            tree, module = todo.pop()
            if tree in seen:
                continue
            seen.add(tree)
            for name, node in _mentioned(tree):
                if name in module.foreign and isinstance(node, ast.Name):
                    found.libraries.add(module.foreign[name].split(".")[0])
                if (name in RUNS_TEXT and name not in module.names and not _is_regex(node)) or name == "score_answer":
                    found.runs.add(ast.unparse(_call_of(node, tree)))
                else:
                    todo += definitions[name] + definitions[module.aliases.get(name, name)]
        return found

    def _imported(self, names: set[str]) -> list[_Module]:
        """These modules and all that they import, directly or not."""
        todo, found = list(names), {}
        while todo:
            name = todo.pop()
            if name not in found:
                if name not in self.modules:
                    self.modules[name] = _Module(self, name)
                found[name] = self.modules[name]
                todo += found[name].ours
        return list(found.values())

    def file(self, module: str) -> Path | None:
        """The file of a module, None where there is none."""
        path = self.folder.joinpath(*module.split("."))
        return next((one for one in (path / "__init__.py", path.with_suffix(".py")) if one.is_file()), None)


class _Module:
    """`defined`: (name, tree) of what is defined here. `ours`: modules of the package it imports, `aliases`: what it calls
    things of them. `foreign`: other modules by the names they have here."""

    def __init__(self, package: Package, name: str) -> None:
        file = package.file(name)
        assert file is not None
        tree = ast.parse(file.read_text(encoding="utf-8"))
        self.defined: list[tuple[str, ast.AST]] = []
        self.ours: set[str] = set()
        self.aliases: dict[str, str] = {}
        self.foreign: dict[str, str] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                self.defined.append((node.name, node))
            elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in (part for whole in targets for part in ast.walk(whole)):
                    if isinstance(target, ast.Attribute):
                        self.defined.append((target.attr, node.value))
                    elif isinstance(target, ast.Name) and node in tree.body:
                        self.defined.append((target.id, node.value))
            elif isinstance(node, ast.Import):
                for one in node.names:
                    self._import(package, one.name, one.asname or one.name.split(".")[0])
            elif isinstance(node, ast.ImportFrom):
                parts = name.split(".") + ["__init__"] * (file.name == "__init__.py")
                base = ".".join(parts[: len(parts) - node.level] * bool(node.level) + [node.module or ""]).strip(".")
                for one in node.names:
                    self._import(package, base, one.asname or one.name)
                    self._import(package, f"{base}.{one.name}", one.asname or one.name)
        self.names = {defined for defined, _ in self.defined}

    def _import(self, package: Package, origin: str, local: str) -> None:
        if origin.split(".")[0] != "reasoning_gym":
            self.foreign[local] = origin
            return
        self.aliases[local] = origin.rpartition(".")[2]
        if package.file(origin) is not None and origin not in NOT_FOLLOWED:
            self.ours.add(origin)


def _mentioned(tree: ast.AST) -> list[tuple[str, ast.expr]]:
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Name | ast.Attribute)]
    return [(node.id if isinstance(node, ast.Name) else node.attr, node) for node in nodes]


def _is_regex(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("re", "regex")


def _call_of(node: ast.expr, tree: ast.AST) -> ast.expr:
    """The call whose function a node is, else the node."""
    return next((one for one in ast.walk(tree) if isinstance(one, ast.Call) and one.func is node), node)
