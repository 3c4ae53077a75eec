"""Pages that are made from code are up to date; the links, commands, imports and settings that pages show exist."""

import ast
import importlib
import inspect
import re
import shlex

import pytest
import yaml
from cyclopts import CycloptsError

import make_deviations
import make_reference
from hicra.cli import VERBS, app
from hicra.credit import BASELINES, LOSSES, METHODS
from hicra.mining.settings import MineSettings
from hicra.tasks.base import TASKS
from hicra.tasks.math import DEFAULTS
from hicra.tasks.plan_execute.settings import PlanExecuteSettings
from paths import ROOT

PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("recipes/*/*.md"),
        *ROOT.glob("studies/*/*.md"),
        *ROOT.glob("benchmarks/*.md"),
    ]
)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?:^    .*\n)+", re.MULTILINE)
ENVIRONMENT = re.compile(r"^(?:[A-Z_]+=\S+ +)*")


def page_id(page):
    return str(page.relative_to(ROOT))


def blocks(text, languages=("", "bash", "sh", "console", "text")):
    """The code blocks of a page: fenced ones of these languages and, where "" is among them, indented ones."""
    fenced = [body for language, body in FENCE.findall(text) if language in languages]
    return fenced + (INDENTED.findall(FENCE.sub("", text)) if "" in languages else [])


def commands(text):
    """The words of every command of hicra in the code blocks of a page; no comment, no [optional part], nothing behind a pipe."""
    lines = [line.strip() for block in blocks(text) for line in block.replace("\\\n", " ").splitlines()]
    lines = [ENVIRONMENT.sub("", line).removeprefix(".venv/bin/") for line in lines]
    words = [shlex.split(line, comments=True) for line in lines if line.startswith("hicra ")]
    words = [line[1 : line.index("|")] if "|" in line else line[1:] for line in words]
    return [[word for word in line if not word.startswith("[")] for line in words]


def imports(text):
    """(module, name or None) of every import in the Python blocks of a page."""
    found = []
    for block in blocks(text, ("python",)):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.Import):
                found += [(alias.name, None) for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                found += [(node.module, alias.name) for alias in node.names]
    return found


@pytest.mark.parametrize("name", make_reference.PAGES)
def test_page_is_what_the_code_says(name):
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == make_reference.written(name), "run `make docs`"


def test_reference_names_every_verb_and_every_entry_of_credit():
    cli, methods = (
        (ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("reference/cli.md", "methods/README.md")
    )
    assert re.findall(r"^## hicra (.*)$", cli, re.MULTILINE) == list(VERBS)
    mine = cli.partition("\n## hicra mine\n")[2].partition("\n## ")[0]
    assert re.search(r"^\| `-o`, `--out` \| .* \| required \|$", mine, re.MULTILINE)
    assert f"\n| `--min-df` | {MineSettings.model_fields['min_df'].description} | `2` |\n" in mine
    assert "\n| `--closed`, `--no-closed` | " in mine
    linked = re.findall(r"^\| \[`(\w+)`\]", methods, re.MULTILINE)
    assert linked == [*BASELINES, *METHODS, *LOSSES]


def test_deviations_are_numbered_once_and_every_number_that_is_cited_is_there():
    ids = [f"{one.family}-{one.number}" for one in make_deviations.deviations()]
    assert len(ids) == len(set(ids)) > 100
    assert {one.family for one in make_deviations.deviations()} == set(make_deviations.FAMILIES)
    pattern = re.compile(rf"\b(?:{'|'.join(make_deviations.FAMILIES)})-\d+\b")
    cited = {}
    for path in [
        *ROOT.glob("src/hicra/**/*.py"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("*.md"),
        *ROOT.glob("recipes/**/*.md"),
    ]:
        cited |= dict.fromkeys(pattern.findall(path.read_text(encoding="utf-8")), path)
    assert not {number: path for number, path in cited.items() if number not in ids}
    left = [
        path
        for path in ROOT.glob("src/hicra/**/*.py")
        if re.search(r"(?<![\w-])D\d{1,2}\b", path.read_text(encoding="utf-8"))
    ]
    assert not left  # the numbers of old, which every module had for itself


def anchors(page):
    """What a link into a page may name: its headings as a Git host writes them."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_relative_links_lead_somewhere(page):
    prose = re.sub(r"`[^`]*`|^    .*$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE)  # code is no link
    for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]+))?[^)]*\)", prose):
        if "://" in target:
            continue
        found = page.parent / target if target else page
        assert found.exists(), target
        if anchor and found.suffix == ".md":
            assert anchor in anchors(found), f"{target}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_commands_name_verbs_and_options_that_exist(page):
    for words in commands(page.read_text(encoding="utf-8")):
        try:
            app().parse_args(words, exit_on_error=False, print_error=False)
        except CycloptsError as error:
            pytest.fail(f"hicra {' '.join(words)}: {error}")


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_imports_name_modules_and_names_that_exist(page):
    for module, name in imports(page.read_text(encoding="utf-8")):
        if module.partition(".")[0] == "hicra":
            found = importlib.import_module(module)
            assert name is None or hasattr(found, name) or importlib.util.find_spec(f"{module}.{name}"), name


def test_the_parsers_of_this_file():
    text = (
        "say `hicra nothing`\n\n    A=1 hicra mine 'my rows' -o lex  # a comment\n    python x.py\n\n"
        "```bash\nhicra tag x [more] \\\n    --unit gram | head\n```\n\n"
        "```python\nfrom hicra import corpus\nimport polars as pl\n```\n"
    )
    assert commands(text) == [["tag", "x", "--unit", "gram"], ["mine", "my rows", "-o", "lex"]]
    assert imports(text) == [("hicra", "corpus"), ("polars", None)]
    with pytest.raises(CycloptsError):
        app().parse_args(["tag", "x", "--lexikon", "paper"], exit_on_error=False, print_error=False)


def settings_of(name):
    """The settings of a task with their defaults; of gsm8k those that math does not have, or has with another default."""
    module, attribute = TASKS[name].split(":")
    task = getattr(importlib.import_module(module), attribute)
    if name == "plan_execute":
        return {key: field.default for key, field in PlanExecuteSettings.__dataclass_fields__.items()}
    if name == "gsm8k":
        return {key: value for key, value in task.defaults.items() if key not in DEFAULTS or DEFAULTS[key] != value}
    if name == "math":
        return dict(task.defaults)
    parameters = inspect.signature(task).parameters.values()
    return {one.name: one.default for one in parameters if one.kind is one.KEYWORD_ONLY}


@pytest.mark.parametrize("name", TASKS)
def test_settings_of_tasks_are_all_named_with_their_defaults(name):
    text = (ROOT / "docs" / "reference" / "tasks.md").read_text(encoding="utf-8")
    section = re.search(rf"^## `{name}`$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)[1]
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]*) \|", section, re.MULTILINE))
    defaults = settings_of(name)
    assert list(rows) == list(defaults)
    for key, said in rows.items():
        if said.startswith("`"):  # as YAML; a default in words is a text too long for a table
            value = defaults[key]
            assert yaml.safe_load(said.strip("`")) == (list(value) if isinstance(value, tuple) else value), key


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "AGENTS.md"])
def test_guides_are_short(name):
    assert len((ROOT / name).read_text(encoding="utf-8").splitlines()) < 80
