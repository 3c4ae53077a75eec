"""Makes the images of rollouts small enough for the page, and safe: they are decoded and written anew as PNG or JPEG.

What stands in the page is never the file of a run: a file may be large, and may hold more than an image. Nothing but pixels comes
through. Images are the files `images/SHA256.KIND` of a run folder, which the column `images` of its rollouts names.
"""

from __future__ import annotations

import base64
import importlib.util
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from hicra.report.model import ReportModel, Rollout
from hicra.tasks.images import MAX_BYTES, MAX_PIXELS, is_kept_name

EDGES = (640, 480, 320, 200)  # pixels of the longer side that are tried, the largest first
MOST_BYTES = 1_000_000  # of all images of a page, as text
LARGEST = 150_000  # of one
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP")
QUALITY = 80

Picture = dict[str, Any]


def pictures(model: ReportModel, rollouts: Sequence[Rollout], most: int = MOST_BYTES) -> dict[tuple[int, str], Picture]:
    """Makes the images of some rollouts.

    Args:
        model: the model, whose runs have the folders.
        rollouts: the rollouts.
        most: the most characters of all images together; each has an even share of it, and what some leave goes to later ones.

    Returns:
        (run, name) -> {file, src, width, height}, or {file, why} where an image is not shown; width and height are those of the
        file in pixels.
    """
    wanted = list(dict.fromkeys((rollout.run, name) for rollout in rollouts for name in rollout.images))
    made: dict[tuple[int, str], Picture] = {}
    same: dict[str, Picture] = {}  # the name is a hash of the content
    left = most
    for number, (run, name) in enumerate(wanted):
        found = same.get(name)
        if found is None or "src" not in found:
            found = same[name] = _picture(model.runs[run].path, name, min(LARGEST, left // (len(wanted) - number)))
            left -= len(found.get("src", ""))
        made[run, name] = found
    return made


def _picture(run: Path, name: str, most: int) -> Picture:
    out: Picture = {"file": f"{run.name}/{name}"}
    path = run / name
    if not is_kept_name(name) or path.is_symlink() or not path.is_file():
        return out | {"why": "the run folder does not hold it"}
    if path.stat().st_size > MAX_BYTES:
        return out | {"why": "its file is too large"}
    if importlib.util.find_spec("PIL") is None:
        return out | {"why": "Pillow is not installed, which decodes images"}
    return out | (_small(path.read_bytes(), most) or {"why": "it cannot be decoded"})


def _small(data: bytes, most: int) -> Picture | None:
    """Returns an image at the largest size at which it has at most `most` characters; None where it is no image."""
    from PIL import Image

    try:
        with Image.open(BytesIO(data), formats=FORMATS) as opened:
            width, height = opened.size
            if width * height > MAX_PIXELS:
                return {"why": f"it has {width} x {height} pixels"}
            whole = opened.convert("RGBA")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
    flat = Image.new("RGB", whole.size, "white")
    flat.paste(whole, mask=whole.getchannel("A"))
    for edge in EDGES:
        if edge != EDGES[-1] and edge >= 2 * max(width, height):
            continue
        small = flat.copy()
        small.thumbnail((edge, edge))
        src = min((_written(small, kind) for kind in ("PNG", "JPEG")), key=len)
        if len(src) <= most:
            return {"src": src, "width": width, "height": height}
    return {"why": "the page would become too large"}


def _written(image: Any, kind: str) -> str:
    out = BytesIO()
    image.save(out, format=kind, optimize=True, **({"quality": QUALITY} if kind == "JPEG" else {}))
    return f"data:image/{kind.lower()};base64,{base64.b64encode(out.getvalue()).decode()}"
