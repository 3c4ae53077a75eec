"""The structure of the package: few loose modules, no import circle, engines that know no method by name."""

import ast
import functools

import grimp
import pytest

import hicra
from hicra import credit
from hicra.engines.open import ENGINES
from hicra.runs.sections import RunConfig
from paths import ROOT

PACKAGE = ROOT / "src" / "hicra"
ENGINE_FILES = sorted((PACKAGE / "engines").rglob("*.py"))
MOST_LOOSE = 8


@functools.cache
def imports() -> dict[str, set[str]]:
    """Module -> modules of the package that it imports, also inside functions."""
    graph = grimp.build_graph("hicra", exclude_type_checking_imports=True)
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """The groups of modules that import each other in a circle (Tarjan)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        number[node] = low[node] = len(number)
        stack.append(node)
        for other in sorted(graph[node]):
            if other not in number:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], number[other])
        if low[node] == number[node]:
            group = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(group) > 1 or node in graph[node]:
                found.append(sorted(group))

    for node in sorted(graph):
        if node not in number:
            visit(node)
    return found


def test_the_search_finds_circles():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}, "e": {"e"}}) == [["a", "b", "c"], ["e"]]
    assert circles({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_no_import_circle():
    assert len(imports()) > 200
    assert circles(imports()) == []


def test_few_loose_modules():
    loose = sorted(path.name for path in PACKAGE.glob("*.py"))
    assert len(loose) <= MOST_LOOSE, loose


def test_nothing_but_the_command_line_imports_what_is_related():
    for module, used in imports().items():
        if not module.startswith(("hicra.cli", "hicra.related")):
            assert not [other for other in used if other.startswith("hicra.related")], module


def test_engines_are_named_by_strings_that_lead_somewhere():
    for place in (one for entry in ENGINES.values() for one in (entry.place, entry.begin) if one):
        module, function = place.split(":")
        tree = ast.parse((PACKAGE / (module.removeprefix("hicra.").replace(".", "/") + ".py")).read_text())
        assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert RunConfig().engine in ENGINES


# ---- engines are blind to methods
NAMES = {*credit.BASELINES, *credit.METHODS, *credit.LOSSES}


def named(tree: ast.AST) -> list[str]:
    """Names of the credit tables that stand in code as string constants."""
    return [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and node.value in NAMES]


def decided_by_name(tree: ast.AST) -> list[str]:
    """Comparisons, branches and look-ups that use the attribute `name` of something called a method."""
    found = []
    for node in ast.walk(tree):
        parts: list[ast.AST] = []
        if isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
        elif isinstance(node, ast.Subscript):
            parts = [node.slice]
        elif isinstance(node, ast.Match):
            parts = [node.subject]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            parts = [*node.args] if node.func.attr in ("get", "startswith", "endswith", "index", "count") else []
        found += [
            ast.unparse(inner)
            for part in parts
            for inner in ast.walk(part)
            if isinstance(inner, ast.Attribute) and inner.attr == "name" and "method" in ast.unparse(inner.value)
        ]
    return found


@pytest.mark.parametrize("path", ENGINE_FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_an_engine_knows_no_method_by_name(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert named(tree) == []
    assert decided_by_name(tree) == []


def test_the_search_finds_methods_by_name():
    assert named(ast.parse("if x == 'hicra': pass\ny = {'placebo': 1}")) == ["hicra", "placebo"]
    assert decided_by_name(ast.parse("if self.method.name in known: pass")) == ["self.method.name"]
    assert decided_by_name(ast.parse("table[method.name]; table.get(method.name)")) == ["method.name", "method.name"]
    assert decided_by_name(ast.parse("f(method=config.method.name); f'{method.name}'")) == []


def test_every_public_name_is_there():
    assert {"Lexicon", "Tagger", "credit", "metrics", "stats", "verify", "corpus"} <= set(hicra.__all__)
