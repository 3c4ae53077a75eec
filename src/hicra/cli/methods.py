"""The verb `hicra methods`."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from hicra.cli.common import UNDRAWN, Undrawn

if TYPE_CHECKING:
    from hicra.credit import CreditPreset
    from hicra.credit.entry import Entry

TOY = "hicra train --config recipes/plan-execute/config.yaml"
TOOLS = "hicra train --config recipes/grpo-tcr/config.yaml"
SYSTEM = "hicra train --config recipes/carl-chain/config.yaml"
LOOK = "python recipes/attention/look.py"
OF_ATTENTION = {"waad", "fai"}  # fields that no engine has; the recipe makes them
OF_A_SYSTEM = {"node_id", "values", "episode_ids"}  # fields that only a system of the engine related fills in
OWN = "hicra train --config FILE"  # a module of one's own is found in its folder, where no recipe need be
FILLED = "hicra train --set preset={} --set task.name={} --set model.name={} --set train.learning_rate=5e-4 -o RUN"


def methods(
    name: Annotated[
        str | None,
        Parameter(
            help="Show this one whole: formula, settings, needs, source and page; also module:function of your own."
        ),
    ] = None,
    /,
    *,
    common: Undrawn = UNDRAWN,
) -> None:
    """List the baselines, credit methods (shapers), losses and presets, or show one whole."""
    from hicra.cli import show_method
    from hicra.credit import BASELINES, LOSSES, METHODS, PRESETS
    from hicra.errors import UsageError, did_you_mean

    entries = [*BASELINES.values(), *METHODS.values(), *LOSSES.values(), *PRESETS.values()]
    if name is None:
        rows = [_row(entry) for entry in entries]
        common.give({"methods": rows}, "\n".join(show_method.listed(rows)), then="hicra methods NAME")
        return
    known = {entry.name: entry for entry in entries}
    if name not in known and ":" not in name:
        raise UsageError(
            f"there is no method {name!r}", f"{did_you_mean(name, known)}; one of your own is module:function"
        )
    entry = known[name] if name in known else _own(name)
    row = _row(entry)
    text = "\n".join(show_method.whole(row, entry))
    common.give({"methods": [row]}, text, then=_next(row, name))


def _row(entry: Entry | CreditPreset) -> dict[str, Any]:
    from hicra.credit import CreditPreset

    formula = "" if isinstance(entry, CreditPreset) else inspect.cleandoc(entry.function.__doc__ or "")
    return {
        "name": entry.name, "kind": entry.kind, "needs": list(entry.needs), "settings": entry.settings,
        "source": entry.source, "formula": formula,
    }  # fmt: skip


def _next(row: dict[str, Any], name: str) -> str:
    """Returns a command that uses it: one that trains, where an engine can.

    A preset is trained without a recipe, whose other keys would stay beside it.
    """
    if row["kind"] == "preset":
        with_tools = row["settings"].get("reward.tool_bonus", "none") != "none"
        start = ("calculator", "calculator-start") if with_tools else ("plan_execute", "plan-execute-strong")
        return FILLED.format(name, *start)
    if OF_ATTENTION & {*row["needs"]} and ":" not in name:
        return LOOK
    if OF_A_SYSTEM & {*row["needs"]} and ":" not in name:  # each such baseline is that of the system of its name
        return f"{SYSTEM} --set system.name={name} --set system.settings={{}} -o RUN"
    named = {"baseline": "--set baseline.name=", "shaper": "--method ", "loss": "--set loss.name="}[row["kind"]]
    command = OWN if ":" in name else TOOLS if "state_ids" in row["needs"] else TOY
    return f"{command} {named}{name} -o RUN"


def _own(name: str) -> Entry:
    """Finds a researcher's own entry, as the kind that it is, or that a plain function's arguments say.

    Raises:
        ConfigError: it cannot be loaded.
        UsageError: it fits no kind; the message says for each kind why.
    """
    from hicra.credit.own import TABLES, find
    from hicra.credit.signature import HANDED_OVER
    from hicra.errors import ConfigError, UsageError

    refused: dict[str, ConfigError] = {}
    for kind in TABLES:
        try:
            entry = find(kind, name, "hicra methods")
        except ConfigError as error:
            refused[kind.kind] = error
            continue
        handed = len(
            HANDED_OVER[kind.kind]
        )  # a plain function is known by how many arguments stand before its settings
        if entry.name != name or _positional(entry) == handed:
            return entry
        refused[kind.kind] = ConfigError(f"it is handed {handed} values, and takes {_positional(entry)}")
    # with one message for all kinds there is no module or no function of that name
    if len({error.message for error in refused.values()}) == 1:
        raise next(iter(refused.values()))
    why = "".join(f"\n  as a {kind}: {error.message}" for kind, error in refused.items())
    raise UsageError(f"{name} is no part of credit{why}", "see docs/how-to/own-method.md for what each is handed")


def _positional(entry: Entry) -> int:
    """Counts the arguments before the settings; one with a default is a setting whose * was forgotten, unless it is batch."""
    arguments = inspect.signature(entry.function).parameters.values()
    plain = [one for one in arguments if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    return sum(one.default is one.empty or one.name == "batch" for one in plain)
