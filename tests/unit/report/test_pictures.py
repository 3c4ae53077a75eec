"""Images of rollouts: they come from the run folder alone, are written anew, fit the page, and are named where they do not."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hicra.report import build_report
from hicra.report import pictures as module
from hicra.report.build import build_model
from hicra.report.pictures import pictures
from hicra.runs import RunFolder
from hicra.tasks.images import kept_name

Image = pytest.importorskip("PIL.Image", reason="the extra `vision` is not installed")


def image(width: int, height: int, kind: str = "PNG", mode: str = "RGB", colour: Any = (200, 30, 60)) -> bytes:
    out = io.BytesIO()
    Image.new(mode, (width, height), colour).save(out, format=kind)
    return out.getvalue()


def noise(edge: int) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((edge, edge), 90).save(out, format="PNG")
    return out.getvalue()


def run_of(path: Path, named: list[list[str]], files: dict[str, bytes]) -> Path:
    folder = RunFolder.create(path, method="observed", seed=0, config={})
    rows = [
        {"step": 1, "id": str(i), "prompt": "Which?", "response": "B", "images": names} for i, names in enumerate(named)
    ]
    folder.write_rollouts(1, pl.DataFrame(rows, schema_overrides={"images": pl.List(pl.String)}))
    for name, data in files.items():
        (path / name).parent.mkdir(exist_ok=True)
        (path / name).write_bytes(data)
    return path


def decoded(src: str) -> Any:
    kind, data = re.fullmatch(r"data:image/(png|jpeg);base64,(.*)", src).groups()  # type: ignore[union-attr]
    found = Image.open(io.BytesIO(base64.b64decode(data)))
    assert found.format.lower() == kind
    return found


def test_an_image_is_scaled_down_and_written_anew(tmp_path: Path) -> None:
    data = image(1280, 640) + b"<svg onload=window.ran=1>"  # what follows the image is not part of it
    name = kept_name(data)
    model = build_model([run_of(tmp_path / "run", [[name], [name]], {name: data})])
    (found,) = pictures(model, model.rollouts).values()
    assert (found["width"], found["height"], found["file"]) == (1280, 640, f"run/{name}")
    small = decoded(found["src"])
    assert small.size == (640, 320)
    assert b"ran" not in base64.b64decode(found["src"].split(",")[1])
    assert all(abs(a - b) <= 6 for a, b in zip(small.convert("RGB").getpixel((9, 9)), (200, 30, 60), strict=True))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP"])
def test_every_kind_that_a_benchmark_may_have(kind: str, tmp_path: Path) -> None:
    data = image(8, 6, kind)
    model = build_model([run_of(tmp_path / "run", [[kept_name(data)]], {kept_name(data): data})])
    (found,) = pictures(model, model.rollouts).values()
    assert decoded(found["src"]).size == (8, 6)


def test_what_is_clear_becomes_white(tmp_path: Path) -> None:
    data = image(8, 6, "PNG", "RGBA", (0, 0, 0, 0))
    model = build_model([run_of(tmp_path / "run", [[kept_name(data)]], {kept_name(data): data})])
    (found,) = pictures(model, model.rollouts).values()
    assert decoded(found["src"]).convert("RGB").getpixel((1, 1)) == (255, 255, 255)


def test_what_cannot_be_shown_is_named_with_the_reason(tmp_path: Path) -> None:
    outside, absent, broken = (
        "../secret.png",
        kept_name(b"\x89PNG\r\n\x1a\n none"),
        kept_name(b"\x89PNG\r\n\x1a\n broken"),
    )
    linked = kept_name(image(9, 9))
    (tmp_path / "secret.png").write_bytes(image(8, 6))
    run = run_of(tmp_path / "run", [[outside, absent, broken, linked]], {broken: b"\x89PNG\r\n\x1a\n broken"})
    (run / linked).symlink_to(tmp_path / "secret.png")
    model = build_model([run])
    found = {name: one for (_, name), one in pictures(model, model.rollouts).items()}
    assert "src" not in "".join(key for one in found.values() for key in one)
    for name in (outside, absent, linked):
        assert "does not hold it" in found[name]["why"]
    assert "decoded" in found[broken]["why"]


def test_an_svg_under_the_name_of_an_image_is_no_image(tmp_path: Path) -> None:
    name = f"images/{'0' * 64}.png"
    model = build_model([run_of(tmp_path / "run", [[name]], {name: b"<svg xmlns='http://www.w3.org/2000/svg'/>"})])
    (found,) = pictures(model, model.rollouts).values()
    assert "decoded" in found["why"]


def test_many_images_share_the_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = [noise(edge) for edge in (300, 301, 302)]
    files = {kept_name(one): one for one in data}
    model = build_model([run_of(tmp_path / "run", [[name] for name in files], files)])
    found = pictures(model, model.rollouts, 40_000)
    assert sum(len(one.get("src", "")) for one in found.values()) <= 40_000
    shown = [decoded(one["src"]).size for one in found.values() if "src" in one]
    assert shown == [(200, 200)] * len(shown)
    too_little = pictures(model, model.rollouts, 900)
    assert all("too large" in one["why"] for one in too_little.values())
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    assert all("Pillow" in one["why"] for one in pictures(model, model.rollouts).values())


def test_the_page_holds_each_image_once_and_says_where_the_others_lie(tmp_path: Path) -> None:
    data = image(64, 48)
    name, absent = kept_name(data), kept_name(image(5, 5))
    run = run_of(tmp_path / "run", [[name], [name, absent]], {name: data})
    build_report([run], tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert len(re.findall("data:image/(?:png|jpeg);base64", text)) == 1
    (block,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    found = json.loads(block)
    assert [one.get("file") for one in found["images"]] == [f"run/{name}", f"run/{absent}"]
    assert [one["images"] for one in found["rollouts"]] == [[0], [0, 1]]
    assert "1 image of the prompt can be seen here with JavaScript" in text
