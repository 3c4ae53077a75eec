"""Finds an entry by name: one of a table, or one of a researcher's own as `module:function`.

    method: {name: "my_package:my_function"}            # in a config, or wherever a name is taken
    credit.register(credit.Method("mine", shape, "my paper", needs=("response_mask",)))      # in a script

What stands behind `module:function` is an entry (`Method`, `Baseline`, `Loss`) or a plain function, which becomes one: it then
gets the fields that every engine has at hand. Its module is looked for where Python looks, then in the working folder. Of an
entry of one's own, the signature is checked (`signature.py`), and it is tried out on a small batch before it is used
(`trial.py`).
"""

from __future__ import annotations

import importlib
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from hicra.credit.baseline import Baseline
from hicra.credit.baselines import BASELINES
from hicra.credit.entry import Entry, Table
from hicra.credit.keys import CONFIG, Keys
from hicra.credit.loss import Loss
from hicra.credit.losses import LOSSES
from hicra.credit.method import Method
from hicra.credit.presets import PRESETS
from hicra.credit.relatives import elsewhere
from hicra.credit.shapers import METHODS
from hicra.credit.signature import check_signature
from hicra.errors import ConfigError, did_you_mean

TABLES: dict[type[Entry], Table] = {Method: METHODS, Baseline: BASELINES, Loss: LOSSES}
AT_HAND: dict[type[Entry], tuple[str, ...]] = {  # the fields that a plain function gets
    Method: ("response_ids", "response_mask", "planning_mask", "rewards", "group_ids"),
    Baseline: ("response_ids", "response_mask"),
    Loss: (),
}


def find(kind: type[Entry], name: str, key: str, keys: Keys = CONFIG) -> Entry:
    """Returns the entry of that name.

    Args:
        kind: Method, Baseline or Loss.
        name: a name of that kind's table, or `module:function`.
        key: the key of the config that holds the name, for the message.
        keys: what its user calls that key and others.

    Raises:
        ConfigError: there is none; the message names the nearest one, or what is wrong with the module or the signature.
    """
    table = TABLES[kind]
    if name in table:
        entry: Entry = table[name]
        return entry
    if ":" not in name:
        hint = _elsewhere(name, keys) or elsewhere(name) or did_you_mean(name, table)
        raise ConfigError(f"{keys(key)}: no {table.kind} {name!r}", f"{hint}; one of your own is module:function")
    found = _loaded(kind, name, keys(key))
    check_signature(found)
    return found


def register(entry: Entry) -> Entry:
    """Adds an entry to the table of its kind, so that its name can be used wherever one is taken; returns it.

    Raises:
        ConfigError: another entry has that name, or the function's signature is not as `check_signature` wants it.
    """
    table = TABLES[type(entry)]
    if table.get(entry.name, entry) != entry:
        raise ConfigError(f"there is a {table.kind} {entry.name!r} already", "give yours another name")
    check_signature(entry)
    table[entry.name] = entry
    return entry


def is_own(entry: Entry) -> bool:
    """Says whether an entry is a researcher's own, and not of this package."""
    return not _module_of(entry.function).startswith("hicra.")


def files_of(entry: Entry, name: str) -> tuple[Path, ...]:
    """Returns the files that an entry is from, apart from those of this package: of the module named, and of its function.

    A script that is run itself is none: it also holds settings that may differ from run to run.

    Args:
        entry: what `find` gave.
        name: the name by which it was found.
    """
    modules = {name.partition(":")[0] if ":" in name else "", _module_of(entry.function)}
    found = {
        getattr(sys.modules.get(one), "__file__", None)
        for one in modules - {"__main__"}
        if not one.startswith("hicra.")
    }
    return tuple(sorted(Path(one) for one in found if one and Path(one).is_file()))


def _module_of(function: Any) -> str:
    return getattr(function, "__module__", None) or type(function).__module__


def _loaded(kind: type[Entry], name: str, key: str) -> Entry:
    module, _, attribute = name.partition(":")
    if not (module and attribute):
        raise ConfigError(
            f"{key}: {name!r} lacks {'a function' if module else 'a module'}",
            "write module:function, as in my_package:shape",
        )
    found: Any = _imported(module, name, key)
    for part in attribute.split("."):
        if not hasattr(found, part):
            public = [one for one in dir(found) if not one.startswith("_")]
            raise ConfigError(f"{key}: {module} has no {attribute!r}", did_you_mean(part, public))
        found = getattr(found, part)
    if isinstance(found, kind):
        if found.name in TABLES[kind] and TABLES[kind][found.name] != found:
            raise ConfigError(
                f"{key}: {name} calls itself {found.name!r}, and there is another {TABLES[kind].kind} of that name",
                "give yours another name",
            )
        return found
    if isinstance(found, Entry) or not callable(found):
        raise ConfigError(
            f"{key}: {name} is a {type(found).__name__}, no {TABLES[kind].kind}",
            f"name a function or a {kind.__name__}",
        )
    made = kind(name, found, f"{module}.{attribute}", AT_HAND[kind])
    return replace(made, scope="batch") if isinstance(made, Method) else made


def _imported(module: str, name: str, key: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.split(".")[0]:
            raise ConfigError(f"{key}: {name} needs {error.name}, which is not installed", "install it") from None
    except Exception as error:
        raise ConfigError(f"{key}: importing {module} fails: {type(error).__name__}: {error}", "mend it") from error
    here, first = Path.cwd(), module.split(".")[0]
    if str(here) not in sys.path and ((here / f"{first}.py").exists() or (here / first).is_dir()):
        sys.path.append(str(here))
        importlib.invalidate_caches()
        return _imported(module, name, key)
    raise ConfigError(
        f"{key}: there is no module {module!r}, neither installed nor in {here}",
        "write module:function, as in my_package:shape",
    )


def _elsewhere(name: str, keys: Keys) -> str:
    """Says of a name of another table, or of a preset, what it is and how it is named; nothing where no table has it."""
    said = [f"{name} is a {table.kind}: {keys.giving(table.kind, name)}" for table in TABLES.values() if name in table]
    said += [f"{name} is a preset: {keys.preset(name)}"] if name in PRESETS else []
    return "; ".join(said)
