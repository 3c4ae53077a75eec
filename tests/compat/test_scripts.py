"""Scripts outside the package (benchmarks, studies, recipes, examples, docs) import only what is there."""

import ast
import importlib

import pytest

from paths import ROOT

FOLDERS = ("benchmarks", "studies", "recipes", "examples", "docs")
SCRIPTS = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def missing(tree: ast.AST) -> list[str]:
    """Names that are imported from hicra and are not there."""
    lost = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "hicra":
            module = importlib.import_module(node.module)
            for name in (alias.name for alias in node.names):
                try:
                    assert hasattr(module, name) or importlib.import_module(f"{node.module}.{name}")
                except ImportError:
                    lost.append(f"{node.module}.{name}")
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "hicra":
                    importlib.import_module(alias.name)
    return lost


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_script_imports_is_there(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    needs_torch = any(
        "engines" in line or "sampling" in line for line in path.read_text().splitlines() if "import" in line
    )
    if needs_torch:
        pytest.importorskip("trl")
    assert missing(tree) == []


def test_the_search_finds_what_is_missing():
    assert missing(ast.parse("from hicra.stats import holm, harm\nfrom hicra import corpus")) == ["hicra.stats.harm"]
