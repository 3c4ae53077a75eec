"""Says by which command an extra of hicra is installed, from where hicra itself was installed.

No index need have hicra: most install a checkout, and `pip install 'hicra[verl]'` finds nothing then. pip and uv record where a
package came from (direct_url.json, PEP 610), unless that was an index.
"""

from __future__ import annotations

import importlib.metadata
import json
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from hicra.version import installed

APART = {
    "train": "trl",
    "verl": "verl",
}  # extras that cannot share an environment: verl takes a class out of trl that is gone


def install_command(extra: str = "", *options: str) -> str:
    """Returns the command that installs an extra here, or in an environment of its own where it cannot stand beside another.

    Args:
        extra: its name; "" for hicra alone.
        options: options of pip.
    """
    arguments = shlex.join([*options, *_source(extra)])
    if extra in APART and any(installed(package) for other, package in APART.items() if other != extra):
        return f"python3 -m venv .venv-{extra} && .venv-{extra}/bin/pip install {arguments}"
    return f"pip install {arguments}"


def _source(extra: str) -> list[str]:
    """Returns what pip is given: from a folder that was installed editable also the option for that."""
    found, suffix = _origin(), f"[{extra}]" if extra else ""
    url = str(found.get("url", ""))
    if url.startswith("file:"):
        editable = ["-e"] if found.get("dir_info", {}).get("editable") else []
        return [*editable, f"{url2pathname(urlsplit(url).path)}{suffix}"]
    if "vcs_info" in found:
        url = f"{found['vcs_info']['vcs']}+{url}@{found['vcs_info']['commit_id']}"
    return [f"hicra{suffix} @ {url}" if url else f"hicra{suffix}"]


def _origin() -> dict[str, Any]:
    """Returns what direct_url.json holds; empty where hicra came from an index."""
    try:
        text = importlib.metadata.distribution("hicra").read_text("direct_url.json")
    except importlib.metadata.PackageNotFoundError:  # it runs from a checkout that is on PYTHONPATH
        root = Path(__file__).resolve().parents[2]
        return {"url": root.as_uri(), "dir_info": {"editable": True}} if (root / "pyproject.toml").exists() else {}
    return json.loads(text) if text else {}
