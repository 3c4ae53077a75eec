"""Makes the relative paths of a config absolute, so that they mean the same from every working folder."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from hicra.errors import ConfigError

_PATHS = re.compile(r"lexicon|model\.name|task\.settings\.\w*_file")


def rooted(value: Any, folder: Path, names: Mapping[str, Collection[str]], source: str | None, key: str = "") -> Any:
    """Returns a value of a config with its paths made absolute.

    Args:
        value: the value: a section, a list or a scalar.
        folder: where relative paths start.
        names: the values of a key that are names and not paths.
        source: the file that the value stands in, for messages; None for the command line.
        key: the dotted key of the value, "" for the whole config.

    Raises:
        ConfigError: a file names a path that is in the working folder and not in the file's own.
    """
    if isinstance(value, dict):
        return {
            name: rooted(inner, folder, names, source, f"{key}.{name}" if key else str(name))
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [rooted(inner, folder, names, source, key) for inner in value]
    if not isinstance(value, str) or not value or not _PATHS.fullmatch(key) or value in names.get(key, ()):
        return value
    path = Path(value).expanduser()
    found = folder / path
    if found.exists():
        return os.path.abspath(found)
    if source and path.exists():
        raise ConfigError(
            f"{key}: {source} names {value}, which is not in {os.path.abspath(folder)} but in the working folder",
            f"a path in a config starts from the folder of the config: write {os.path.relpath(path, folder)}",
        )
    return value
