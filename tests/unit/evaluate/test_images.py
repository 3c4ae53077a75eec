"""Questions about images: what an endpoint is sent, what is refused, and what a changed image does. No model is loaded."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hicra import Lexicon
from hicra.diagnose.diagnose import diagnose
from hicra.errors import ArtifactError, ConfigError
from hicra.evaluate.evaluate import evaluate
from hicra.evaluate.settings import settings_of
from hicra.generation.endpoint import messages_of
from hicra.generation.folder import reads_images
from hicra.generation.interface import Made
from hicra.report import build_report
from hicra.tasks.images import kept_name

Image = pytest.importorskip("PIL.Image", reason="the extra `vision` is not installed")


def picture(shade: int, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (4, 3), (shade, 0, 255 - shade)).save(out, format=kind)
    return out.getvalue()


RED, BLUE = picture(250), picture(10, "JPEG")
ROWS: dict[str, dict[str, Any]] = {  # a row of each benchmark as upstream writes it, the right answer, and its images
    "mathvista": {"pid": "1", "question": "Which?", "decoded_image": {"bytes": RED}, "choices": ["Yes", "No"], "answer": "No"},
    "mathverse": {"sample_index": "1", "question": "Find x. Choices:\n(A) 30\n(B) 45", "image": {"bytes": BLUE}, "answer": "B"},
    "mathvision": {"id": "4", "question": "Which? <image1>", "options": ["A", "B", "C"], "decoded_image": {"bytes": RED},
                   "answer": "C"},
    "emma": {"pid": "m", "question": "Pick <image_1> <image_2>", "options": "['7', '9']", "answer": "A",
             "image_1": {"bytes": BLUE}, "image_2": {"bytes": RED}},
}  # fmt: skip
SEEN = {"mathvista": [RED], "mathverse": [BLUE], "mathvision": [RED], "emma": [BLUE, RED]}
RIGHT = {"mathvista": "B", "mathverse": "B", "mathvision": "C", "emma": "A"}


class Answering:
    """A generator that keeps its requests and answers every question with one letter."""

    def __init__(self, letter: str) -> None:
        self.letter, self.requests = letter, []

    def generate(self, requests, settings):
        self.requests += requests
        return [Made(f"\\boxed{{{self.letter}}}", None, 3, True, None) for _ in requests]

    def close(self):
        pass


@pytest.mark.parametrize("name", ROWS)
def test_every_vision_benchmark_is_asked_with_its_images_and_judged(name: str, tmp_path: Path) -> None:
    pl.DataFrame([ROWS[name]]).write_parquet(tmp_path / "b.parquet")
    source = Answering(RIGHT[name])
    result = evaluate(
        model="m", data=[f"{name}={tmp_path / 'b.parquet'}"], out=tmp_path / "out",
        settings=settings_of({"k": "1", "n": 2, "endpoint": "http://localhost:1/v1"}),
        generator=lambda model, settings: source,
    )  # fmt: skip
    (entry,) = result["files"].values()
    assert (entry["kind"], entry["images"], entry["avg_at_n"]) == (name, len(SEEN[name]), 1.0)
    assert f"1 question with {len(SEEN[name])} image{'s' * (len(SEEN[name]) > 1)} x 2 samples" in result["text"]
    assert len(source.requests) == 2
    for request in source.requests:
        assert list(request.images) == SEEN[name]
        sent = messages_of(request.prompt, request.images)[-1]["content"]
        addresses = [part["image_url"]["url"] for part in sent[:-1]]
        assert [base64.b64decode(one.partition(";base64,")[2]) for one in addresses] == SEEN[name]
        kinds = ["png" if one is RED else "jpeg" for one in SEEN[name]]
        assert [one.partition(";")[0] for one in addresses] == [f"data:image/{kind}" for kind in kinds]
        assert sent[-1]["text"].startswith(ROWS[name]["question"])


def test_images_go_with_their_samples_into_a_run_folder_and_onto_its_page(tmp_path: Path) -> None:
    pl.DataFrame([ROWS["emma"]]).write_parquet(tmp_path / "b.parquet")
    evaluate(
        model="m", data=[f"emma={tmp_path / 'b.parquet'}"], out=tmp_path / "seen",
        settings=settings_of({"k": "1", "n": 2, "endpoint": "http://localhost:1/v1"}),
        generator=lambda model, settings: Answering("A"),
    )  # fmt: skip
    names = [kept_name(image) for image in SEEN["emma"]]
    samples = tmp_path / "seen" / "samples.parquet"
    assert pl.read_parquet(samples)["images"].to_list() == [names, names]
    assert [(tmp_path / "seen" / name).read_bytes() for name in names] == SEEN["emma"]
    given = {"tokenizer": None, "on_bad": "stop", "max_bad": 0.0}
    result = diagnose([samples], Lexicon.load("paper"), out=tmp_path / "run", **given)
    assert not any("image" in said for said in result["warnings"])
    assert [(tmp_path / "run" / name).read_bytes() for name in names] == SEEN["emma"]
    build_report([tmp_path / "run"], tmp_path / "r.html")
    assert (tmp_path / "r.html").read_text(encoding="utf-8").count('"src":"data:image/') == 2
    (tmp_path / "seen" / names[0]).write_bytes(b"another file")
    result = diagnose([samples], Lexicon.load("paper"), out=tmp_path / "again", **given)
    assert any("1 image that rollouts name cannot be found" in said for said in result["warnings"])
    assert not (tmp_path / "again" / names[0]).exists()


def test_a_prompt_in_text_is_sent_as_it_was() -> None:
    assert messages_of("2 + 3?", ()) == [{"role": "user", "content": "2 + 3?"}]
    said = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2 + 3?"}]
    assert messages_of(said, ()) == said


def test_images_are_refused_before_anything_is_sampled_where_nothing_could_see_them(tmp_path: Path) -> None:
    pl.DataFrame([ROWS["emma"]]).write_parquet(tmp_path / "b.parquet")
    given = {"data": [f"emma={tmp_path / 'b.parquet'}"], "out": tmp_path / "out"}
    with pytest.raises(
        ConfigError, match=r"b.parquet has questions about images, and plan-execute-strong is a model of texts"
    ):
        evaluate(model="plan-execute-strong", settings=settings_of({"k": "1"}), **given)
    with pytest.raises(ConfigError, match=r"the engine vllm is given texts alone(.|\n)*--endpoint"):
        evaluate(model="plan-execute-strong", settings=settings_of({"k": "1", "engine": "vllm"}), **given)
    assert not (tmp_path / "out").exists()


def test_a_folder_reads_images_if_its_config_says_so(tmp_path: Path) -> None:
    assert not reads_images(tmp_path)
    for text, reads in (
        ("{", False),
        ("[]", False),
        ('{"model_type": "llama"}', False),
        ('{"vision_config": {}}', True),
    ):
        (tmp_path / "config.json").write_text(text, encoding="utf-8")
        assert reads_images(tmp_path) is reads


def test_another_image_beside_the_file_is_another_benchmark(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(RED)
    row = ROWS["mathverse"] | {"image": "1.png"}
    (tmp_path / "b.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    given = {
        "model": "m", "data": [f"mathverse={tmp_path / 'b.jsonl'}"], "out": tmp_path / "out",
        "settings": settings_of({"k": "1", "endpoint": "http://localhost:1/v1"}),
        "generator": lambda model, settings: Answering("B"),
    }  # fmt: skip
    evaluate(**given)
    evaluate(**given, resume=True)
    (tmp_path / "1.png").write_bytes(BLUE)
    with pytest.raises(ArtifactError, match=r"holds an evaluation with inputs"):
        evaluate(**given, resume=True)
