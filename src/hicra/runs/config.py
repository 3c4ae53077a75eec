"""The training config is read from YAML, checked strictly, and saved with the run with all defaults filled in.

Its keys, with their defaults, are in `sections.py`.

`--set a.b=c` overrides the file, and `--method` overrides both. A preset in a file fills in what the file does not say; one that
`--set preset=NAME` names goes before the file. An unknown key is refused with the nearest known one named, and a
key that stands twice is refused. A relative path in a file starts from the file's folder, and one of `--set` from the working
folder; both are recorded as absolute paths, so that a run can be resumed from anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from hicra.credit import get_method
from hicra.credit.presets import preset_of
from hicra.errors import ConfigError
from hicra.runs.difference import flat
from hicra.runs.rooted import rooted
from hicra.runs.sections import MethodConfig, RunConfig
from hicra.strict import validated

LARGEST_FILE = 1_000_000
FIX = "`hicra train --keys` lists every key"


# keys of before, and what holds their value now
MOVED = {
    "train.clip_low": "loss.settings.clip_low",
    "train.clip_high": "loss.settings.clip_high",
    "train.loss": "loss.name and loss.settings.mean",
    "train.scale": "baseline.name (grpo divides by the deviation, dr_grpo does not)",
}


def load_config(
    path: Path | None,
    sets: Iterable[str] = (),
    method: str | None = None,
    seed: int | None = None,
    *,
    base: Mapping[str, Any] | None = None,
    names: Mapping[str, Collection[str]] | None = None,
) -> tuple[RunConfig, list[str]]:
    """Reads a config, applies the overrides and checks it.

    Args:
        path: a YAML file; None starts from `base`.
        sets: "a.b=value" overrides, whose values are read as YAML.
        method: replaces method.name, as an override of it does; settings of another method in the file are left out where they
            do not mean the same, and the notes say so.
        seed: replaces train.seed.
        base: the config to start from without a file, as a run has recorded it; None starts from the defaults.
        names: the values of a key that are names and not paths: {"lexicon": ["paper", ...]}.

    Returns:
        The config, and notes for the user.

    Raises:
        ConfigError: something is wrong; the message names the file or override, the key, and the nearest known one.
    """
    known, sets = names or {}, list(sets)
    tree = deepcopy(dict(base or {})) if path is None else _read_yaml(path)
    if path is not None:
        tree = rooted(tree, path.parent, known, str(path))
    if preset := _last(sets, "preset"):
        tree = _over(tree, preset_of(preset).tree())
    notes = _switch_method(tree, method or _last(sets, "method.name"), sets)
    given = [("", deepcopy(tree)), *_overridden(tree, sets, seed, known)]
    if method:
        _apply(tree, f"method.name={method}", known)
        given.append((f"--method {method}", deepcopy(tree)))
    tree = _with_preset(tree)
    given = [(called, _with_preset(part)) for called, part in given]
    for key, now in MOVED.items():
        if key in flat(tree):
            where = next((f" in {called or path}" for called, part in given if key in flat(part)), "")
            raise ConfigError(f"there is no config key {key!r} any more{where}", f"it is {now} now")
    try:
        return validated(RunConfig, tree, fix=FIX), notes
    except ConfigError as error:
        where = _blamed(error, given, path)
        raise ConfigError(f"{error.message}{where}", error.fix) from None


def _overridden(
    tree: dict[str, Any], sets: Iterable[str], seed: int | None, names: Mapping[str, Collection[str]]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Applies the overrides to the tree one after the other; yields what each is called, and a copy of the tree after it."""
    for override in sets:
        _apply(tree, override, names)
        yield f"--set {override}", deepcopy(tree)
    if seed is not None:
        _apply(tree, f"train.seed={seed}", names)
        yield f"--seed {seed}", deepcopy(tree)


def _blamed(error: ConfigError, given: Sequence[tuple[str, dict[str, Any]]], path: Path | None) -> str:
    """Says where the mistake stands: in the first override after which the config has it, else in the file."""
    for called, tree in given:
        try:
            validated(RunConfig, tree, fix=FIX)
        except ConfigError as same:
            if same.message == error.message:
                return f" in {called or path}" if called or path else ""
    return ""


def _last(sets: Sequence[str], key: str) -> str | None:
    """Returns the value that the last override of a key gives, if it is text."""
    given = [text for found, _, text in (one.partition("=") for one in sets) if found == key]
    return given[-1] if given and given[-1] not in ("", "null") else None


def _over(tree: Mapping[str, Any], preset: Mapping[str, Any]) -> dict[str, Any]:
    """Puts the keys of a preset that the command line names over those of a file; another entry takes its own settings along."""
    out = dict(tree)
    for key, value in preset.items():
        old = out.get(key)
        merge = isinstance(value, Mapping) and isinstance(old, Mapping) and value.get("name") == old.get("name")
        out[key] = _over(old, value) if merge else deepcopy(value)  # type: ignore[arg-type]
    return out


def _with_preset(tree: dict[str, Any]) -> dict[str, Any]:
    """Returns the config with the keys of its preset filled in where it does not set them itself."""
    name = tree.get("preset")
    return tree if name is None else _under(tree, preset_of(name).tree())


def _under(tree: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Fills in, at any depth, what a mapping does not hold."""
    out = dict(tree)
    if "name" in defaults and out.get("name", defaults["name"]) != defaults["name"]:
        return out  # the config names another entry, whose settings are not those of the preset's
    for key, value in defaults.items():
        if isinstance(value, Mapping) and isinstance(out.get(key, {}), Mapping):
            out[key] = _under(out.get(key, {}), value)
        else:
            out.setdefault(key, value)
    return out


def with_defaults(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """Fills the defaults into a recorded config that lacks them; returns it as it is if it is not valid today.

    A config that names code of somebody's own stays as it is, too: whoever reads a run folder must not run what it names.
    """
    if any(isinstance(value, str) and ":" in value for value in _entry_names(recorded)):
        return dict(recorded)
    try:
        return RunConfig.model_validate(recorded).resolved().model_dump(mode="json")
    except ValidationError:
        return dict(recorded)


def _entry_names(recorded: Mapping[str, Any]) -> Iterator[Any]:
    """Yields the names of the entries of credit in a recorded config, whatever it holds."""
    sections = [recorded.get(name) for name in ("baseline", "method", "loss")]
    method = sections[1]
    then = method.get("then") if isinstance(method, Mapping) else None
    for one in [*sections, *(then if isinstance(then, list) else [])]:
        yield one.get("name") if isinstance(one, Mapping) else one


class _NoDuplicates(yaml.SafeLoader):
    """Safe YAML that refuses aliases (they can expand without bound) and repeated keys (the last would win silently)."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not allowed")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.YAMLError(f"key {key!r} stands twice (line {node.start_mark.line + 1} on)")
        return super().construct_mapping(node, deep)


# YAML 1.1 reads 1e-5 as text; here every number that Python reads as a float is one
_NoDuplicates.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9]+)[eE][-+]?[0-9]+$"),
    list("-+0123456789."),
)


def _read_yaml(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ConfigError(f"there is no config file {path}", "start from one in recipes/*/config.yaml")
    if path.stat().st_size > LARGEST_FILE:
        raise ConfigError(f"{path} is larger than {LARGEST_FILE:,} bytes", "check that this file is a config")
    try:
        tree = yaml.load(path.read_text(encoding="utf-8"), Loader=_NoDuplicates)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not readable YAML: {' '.join(str(error).split())}", "correct that line") from None
    if not isinstance(tree, dict):
        raise ConfigError(f"{path} holds {type(tree).__name__}, not a mapping", "see recipes/plan-execute/config.yaml")
    return tree


def assigned(text: str, option: str, example: str) -> tuple[str, Any]:
    """Splits `KEY=VALUE` as an option gives it, and reads the value as YAML; the two others name the option in messages.

    Raises:
        ConfigError: there is no key or no `=`, or the value is not YAML.
    """
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ConfigError(
            f"{option} {text!r} is not of the form {'a.b' if '.' in example else 'a'}=value",
            f"for example {option} {example}",
        )
    try:
        return key, yaml.load(value, Loader=_NoDuplicates)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(
            f"{option} {text!r}: the value is not YAML: {' '.join(str(error).split())}", "put the value in quotes"
        ) from None


def _apply(tree: dict[str, Any], override: str, names: Mapping[str, Collection[str]]) -> None:
    key, value = assigned(override, "--set", "train.steps=20")
    value = rooted(value, Path.cwd(), names, None, key)
    *parents, last = key.split(".")
    for parent in parents:
        inner = tree.setdefault(parent, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"--set {override!r}: {parent!r} is a value and has no keys below it", "check the key")
        tree = inner
    tree[last] = value


def _switch_method(tree: dict[str, Any], name: str | None, sets: Sequence[str]) -> list[str]:
    """Names another method in a config that was read; returns notes of the settings that do not go with it.

    `sets` are the overrides, which say what is used instead where they set it.

    A setting goes along if the new method has it with the same bounds: the alpha of HICRA to a control of HICRA, and not to a
    method whose alpha is another thing.
    """
    section = tree.setdefault("method", {})
    if name is None or not isinstance(section, dict):
        return []  # validation will say so
    before = section.get("name") or _with_preset(tree)["method"].get("name", MethodConfig().name)
    given = section.get("settings") or {}
    section["name"] = name
    if before == name or not isinstance(given, dict) or not given:
        return []
    known, old = (get_method(one).settings_class.model_fields for one in (name, before))
    kept = {
        key for key in given if key in known and key in old and repr(known[key].metadata) == repr(old[key].metadata)
    }
    section["settings"] = {key: value for key, value in given.items() if key in kept}
    why = {
        key: f"means another thing here, where it is {_last(sets, f'method.settings.{key}') or known[key].default}"
        if key in known
        else "is no setting of it"
        for key in given
        if key not in kept
    }
    return [f"method {name}: {key} of {before} is left out, since it {reason}" for key, reason in why.items()]
