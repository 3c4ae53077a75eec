"""The maps are true: what README, AGENTS and the architecture page name is there, and what is there stands in the maps."""

from __future__ import annotations

import re
import tomllib

import pytest

from paths import ROOT

PACKAGE = ROOT / "src" / "hicra"
PAGES = [
    ROOT / "README.md", ROOT / "AGENTS.md", ROOT / "docs" / "architecture.md", ROOT / "docs" / "how-to" / "extend.md",
]  # fmt: skip
BASES = (ROOT, PACKAGE, ROOT / "docs")
PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)*/?")
SUFFIX = re.compile(r"\.(?:py|md|toml|yaml|json|jsonl|svg|css|js|txt|html|j2)$")
KEPT = ("src", "docs", "tests", "recipes", "studies", "benchmarks", "examples")
NAMES = {path.name for folder in KEPT for path in (ROOT / folder).rglob("*")} | {path.name for path in ROOT.iterdir()}


def there() -> set[str]:
    """The packages and loose modules of hicra, as maps write them."""
    packages = {f"{path.parent.name}/" for path in PACKAGE.glob("*/__init__.py")}
    return packages | {path.name for path in PACKAGE.glob("*.py") if path.name != "__init__.py"}


def exists(path: str) -> bool:
    """Whether the checkout holds it: from the top, in the package or in docs; a name alone may stand anywhere."""
    if "/" not in path.rstrip("/"):
        return path.rstrip("/") in NAMES
    return any((base / path).exists() for base in BASES)


def is_path(word: str) -> bool:
    """Whether a word in back quotes is meant as a path of the checkout."""
    if not PATH.fullmatch(word):
        return False
    first = word.split("/")[0]
    return word.endswith("/") or bool(SUFFIX.search(word)) or ("/" in word and any((b / first).exists() for b in BASES))


def wrong(text: str) -> list[str]:
    """The words in back quotes that are paths and lead nowhere; `path:NAME` must also hold NAME."""
    out = []
    for word in re.findall(r"`([^`\n]+)`", text):
        path, _, name = word.partition(":")
        if not is_path(path):
            continue
        found = [base / path for base in BASES if (base / path).is_file()]
        if not exists(path) or (name and not any(re.search(rf"\b{name}\b", file.read_text("utf-8")) for file in found)):
            out.append(word)
    return out


def file_map(text: str) -> list[str]:
    """The paths of the block under "File map": on each line what stands before the first gap of two spaces."""
    block = text.split("## File map", 1)[1].split("\n\n", 2)[1]
    out, above = [], [(0, "")]
    for line in block.splitlines():
        depth = len(line) - len(line.lstrip())
        while len(above) > 1 and above[-1][0] >= depth:
            above.pop()
        out += [above[-1][1] + word for word in re.split(r" {2,}", line.strip())[0].split()]
        above.append((depth, out[-1]))
    return out


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_in_back_quotes_is_there(page):
    assert wrong(page.read_text(encoding="utf-8")) == []


def test_the_file_map_is_what_is_there():
    paths = file_map((ROOT / "README.md").read_text(encoding="utf-8"))
    assert [path for path in paths if not (ROOT / path).exists()] == []
    head = "src/hicra/"
    assert {path.removeprefix(head) for path in paths if path.startswith(head) and path != head} == there()
    assert len(paths) == len(set(paths))


def test_the_architecture_page_has_a_row_for_every_package_and_module():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z_]+(?:/|\.py))` \|", text, re.MULTILINE)
    assert sorted(rows) == sorted(there())


def test_the_layers_of_the_architecture_page_are_those_that_are_enforced():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(one["layers"] for one in contracts if one.get("containers") == ["hicra"])
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert "\n".join(f"    {layer}" for layer in layers) in text


def test_a_wrong_path_is_found():
    assert wrong("`src/hicra/tagger.py`, `tests/nothing`, `nowhere.py`, `absent/`") == [
        "src/hicra/tagger.py", "tests/nothing", "nowhere.py", "absent/",
    ]  # fmt: skip
    assert wrong("`src/hicra/tasks/base.py:NO_SUCH_TABLE`") == ["src/hicra/tasks/base.py:NO_SUCH_TABLE"]
    assert wrong("`src/hicra/tasks/base.py:TASKS`, `tests/unit/`, `metrics/table.py`, `hicra/accuracy`, `A / B`") == []
    assert file_map("## File map\n\n    src/hicra/\n      cli/ gone.py   words\n    docs/   words/\n\nmore\n") == [
        "src/hicra/", "src/hicra/cli/", "src/hicra/gone.py", "docs/",
    ]  # fmt: skip
