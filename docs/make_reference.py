"""Writes the pages of docs/ that say what the code says: `make docs`, or `python docs/make_reference.py`.

Each of them has a part by hand, above the mark, and a part that is made from the code, below it. A test holds every page
equal to what this script would write.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

from cyclopts import App
from pydantic import BaseModel
from pydantic.fields import FieldInfo

DOCS = Path(__file__).resolve().parent
sys.path[:0] = [str(DOCS), str(DOCS.parent / "tests" / "support")]

import make_deviations
import make_engines
from hicra.cli import VERBS, app
from hicra.cli.common import Common
from hicra.credit import BASELINES, LOSSES, METHODS
from hicra.credit import PRESETS as CREDIT_PRESETS
from hicra.credit.entry import Entry
from hicra.evaluate.settings import EvalSettings
from hicra.labels.settings import FitSettings
from hicra.metrics import METRICS
from hicra.mining.settings import PRESETS, MineSettings
from hicra.runs.sections import RunConfig
from hicra.strict import fields_of
from json_keys import JSON_KEYS

MARK = "<!-- From here on this page is made from the code by `make docs`. -->\n"
COMMON = {f"--{name}" for name in Common.__dataclass_fields__}
BOUNDS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}


def table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [" | ".join(head), " | ".join("---" for _ in head)]
    lines += [" | ".join(cell.replace("|", "\\|") for cell in row) for row in rows]
    return "".join(f"| {line} |\n" for line in lines)


# ---- reference/cli.md
def cli() -> str:
    """Every verb with its usage, options and the keys of its JSON object."""
    top = app()
    return "\n".join(_verb(top, verb) for verb in VERBS)


def _verb(top: App, verb: str) -> str:
    for word in verb.split():
        top = top[word]
    arguments = [found for found in top.assemble_argument_collection() if found.show]
    options = [found for found in arguments if not COMMON & set(found.names)]
    usage = [_positional(found) for found in options if _is_positional(found)]
    usage += [f"{_short(found)} {_value(found)}" for found in options if found.required and not _is_positional(found)]
    usage += ["[options]"] if any(not found.required and not _is_positional(found) for found in options) else []
    parts = [f"## hicra {verb}\n", f"{VERBS[verb]}\n", f"    {' '.join(['hicra', verb, *usage])}\n"]
    parts += [table(("argument", "meaning", "default"), map(_row, options))] if options else []
    if verb in JSON_KEYS:
        keys = ", ".join(f"`{key}`" for key in JSON_KEYS[verb])
        parts.append(f"Keys of the JSON object that stay: {keys}.\n")
    return "\n".join(parts)


def _is_positional(found: Any) -> bool:
    return found.field_info.kind is not found.field_info.KEYWORD_ONLY


def _many(found: Any) -> bool:
    return found.field_info.kind is found.field_info.VAR_POSITIONAL or getattr(found.hint, "__origin__", None) is list


def _positional(found: Any) -> str:
    name = found.names[0].lstrip("-").upper().rstrip("S" if _many(found) else "")
    return f"{name}..." if _many(found) else name


def _short(found: Any) -> str:
    return str(min(found.names, key=len))


def _value(found: Any) -> str:
    return str(max(found.names, key=len)).lstrip("-").upper()


def _row(found: Any) -> tuple[str, str, str]:
    """Name, meaning and default of an argument; the default of a setting stands at the end of its help."""
    meaning, _, stated = (found.parameter.help or "").removesuffix("]").partition(" [default: ")
    default = found.field_info.default
    if isinstance(default, bool):
        stated = "on" if default else "off"
    elif default is not found.field_info.empty and default not in (None, (), ""):
        stated = f"`{default}`"
    elif stated:
        stated = {"True": "on", "False": "off"}.get(stated, f"`{stated}`")
    return _names(found), meaning, "required" if found.required else stated


def _names(found: Any) -> str:
    if _is_positional(found):
        return f"`{_positional(found)}`"
    names = ", ".join(f"`{name}`" for name in sorted(found.names, key=len))
    choices = [choice for choice in found.get_choices() or () if choice]
    return f"{names}: {', '.join(choices)}" if choices else names


# ---- reference/config.md
def config() -> str:
    """Every key of the settings classes, with default, allowed values and meaning."""
    presets = "\n".join(
        f"- `{name}`: {', '.join(f'`{key}` {value}' for key, value in chosen.items()) or 'the defaults'}."
        for name, chosen in PRESETS.items()
    )
    return "\n".join([
        "## Training: `hicra train`\n", _settings(RunConfig),
        "## Mining: `hicra mine`\n", _settings(MineSettings), "Presets, by what differs from the defaults:\n", presets, "",
        "## Evaluation: `hicra eval`\n", _settings(EvalSettings),
        "## Fitting a lexicon: `hicra lexicon fit`\n", _settings(FitSettings),
    ])  # fmt: skip


def _settings(model: type[BaseModel]) -> str:
    rows = (
        (f"`{key}`", _plain(found.default), _allowed(found), found.description or "") for key, found in fields_of(model)
    )
    return table(("key", "default", "value", "meaning"), rows)


def _plain(value: Any) -> str:
    words = {None: "null", True: "true", False: "false", "": '""'}
    if isinstance(value, tuple):
        return f"`[{', '.join(map(str, value))}]`"
    return f"`{words[value] if isinstance(value, bool | None) or value == '' else value}`"


def _allowed(found: FieldInfo) -> str:
    bounds = [
        f"{says} {getattr(limit, name):,}"
        for limit in found.metadata
        for name, says in BOUNDS.items()
        if getattr(limit, name, None) is not None
    ]
    return ", ".join([_type(found.annotation), *bounds])


def _type(kind: Any) -> str:
    names = {int: "whole number", float: "number", bool: "true or false", str: "text", type(None): "null"}
    if kind in names:
        return names[kind]
    inner = [part for part in get_args(kind) if part is not Ellipsis]
    if inner and all(isinstance(part, str) for part in inner):
        return " or ".join(f"`{part}`" for part in inner)
    if getattr(kind, "__origin__", None) is tuple:
        return "list"
    return "mapping" if getattr(kind, "__origin__", None) is dict else " or ".join(_type(part) for part in inner)


# ---- reference/metrics.md
def metrics() -> str:
    """The table of metrics."""
    better = {"up": "higher", "down": "lower", "": ""}
    rows = ((f"`{m.name}`", m.meaning, m.unit, better[m.direction], ", ".join(m.needs)) for m in METRICS)
    return table(("name", "meaning", "unit", "better", "needs"), rows)


# ---- methods/README.md
def methods() -> str:
    """The three tables of credit, each entry with a link to its section, and the presets."""
    parts = []
    for title, entries in (("Baselines", BASELINES), ("Shapers", METHODS), ("Losses", LOSSES)):
        parts += [f"## {title}\n", table(("name", "needs", "settings", "source"), map(_entry, entries.values()))]
    rows = (
        (f"`{one.name}`", ", ".join(f"`{key}` {value}" for key, value in one.keys.items()), one.source)
        for one in CREDIT_PRESETS.values()
    )
    parts += ["## Presets\n", table(("name", "keys of the config that it fills in", "source"), rows)]
    return "\n".join(parts)


def _entry(entry: Entry) -> tuple[str, ...]:
    settings = ", ".join(f"`{name}` {value}" for name, value in entry.settings.items())
    needs = ", ".join(f"`{name}`" for name in entry.needs)
    return f"[`{entry.name}`]({_section(entry)})", needs, settings, entry.source


def _section(entry: Entry) -> str:
    """The page and the heading of an entry: `## name` on one of the pages of a family."""
    for page in sorted((DOCS / "methods").glob("*.md")):
        if re.search(rf"^##+ `{entry.name}`$", page.read_text(encoding="utf-8"), re.MULTILINE):
            return f"{page.name}#{entry.name}"
    raise SystemExit(f"{entry.kind} {entry.name!r} has no section in docs/methods/")


PAGES: dict[str, Callable[[], str]] = {
    "deviations.md": make_deviations.page,
    "engines/trl.md": make_engines.page,
    "methods/README.md": methods,
    "reference/cli.md": cli,
    "reference/config.md": config,
    "reference/metrics.md": metrics,
}


def written(name: str) -> str:
    """The text of a page: what stands above the mark, the mark, and what the code says."""
    by_hand, mark, _ = (DOCS / name).read_text(encoding="utf-8").partition(MARK)
    if not mark:
        raise SystemExit(f"docs/{name} has no line {MARK!r}")
    return f"{by_hand}{MARK}\n{PAGES[name]()}"


if __name__ == "__main__":
    for page in PAGES:
        (DOCS / page).write_text(written(page), encoding="utf-8")
        print(f"docs/{page}")
