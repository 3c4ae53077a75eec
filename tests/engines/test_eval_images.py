"""`hicra eval` on a vision-language model, tiny and random: it is given the images, and draws as any other generator does."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

pytest.importorskip("transformers")
pytest.importorskip("PIL.Image", reason="the extra `vision` is not installed")

from PIL import Image

from hicra.errors import ConfigError, DataError
from hicra.evaluate.evaluate import evaluate
from hicra.evaluate.settings import settings_of
from hicra.generation.interface import Request
from hicra.generation.open import open_generator
from tokenizers_made import byte_level
from vision_tiny import tiny_processor, tiny_vision_model

PATCHES = 4
SETTINGS = settings_of({"k": "1", "n": 2, "temperature": 1.0, "top_p": 1.0, "max_new_tokens": 6, "threads": 1})


def picture(*shade: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (20, 16), shade).save(out, format="PNG")
    return out.getvalue()


WHITE, BLACK = picture(255, 255, 255), picture(0, 0, 0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import transformers

    place = tmp_path_factory.mktemp("vlm")
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=byte_level(), pad_token="<pad>", eos_token="<eos>"
    )
    processor = tiny_processor(tokenizer)
    tiny_vision_model(tokenizer, context=96).save_pretrained(place)
    processor.save_pretrained(place)
    return place


def prompt(images: int, text: str = "which?") -> list[dict[str, Any]]:
    return [{"role": "user", "content": [*[{"type": "image"}] * images, {"type": "text", "text": text}]}]


def test_the_images_are_read_and_a_row_draws_from_its_own_seed(folder: Path) -> None:
    generator = open_generator(str(folder), SETTINGS)
    requests = [
        Request(prompt(1), 1, (WHITE,)), Request(prompt(1), 1, (BLACK,)), Request(prompt(2), 1, (WHITE, BLACK)),
        Request([{"role": "user", "content": "which?"}], 1), Request(prompt(1), 2, (WHITE,)),
    ]  # fmt: skip
    made = generator.generate(requests, SETTINGS)
    assert made == generator.generate(requests, SETTINGS)
    assert made[::-1] == generator.generate(requests[::-1], SETTINGS)
    assert [one.prompt.count("<image>") for one in made] == [1, 1, 2, 0, 1]
    assert all(one.tokens == len(one.ids) <= 6 for one in made)
    assert made[0].ids != made[4].ids  # another seed
    # what the model reads: four patches an image stand in the place of its mark, and the pixels are those of the file
    _, read = generator._read(requests[2])
    assert int((read["input_ids"] == generator.model.config.image_token_id).sum()) == 2 * PATCHES
    assert read["pixel_values"].shape[0] == 2
    logits = [generator.model(**generator._read(one)[1]).logits[0, -1] for one in requests[:2]]
    assert not logits[0].equal(logits[1])  # white is not black


def test_an_evaluation_on_questions_with_images(folder: Path, tmp_path: Path) -> None:
    rows = [{"pid": str(n), "question": "1 or 2?", "image_1": {"bytes": WHITE}, "answer": "1"} for n in range(3)]
    pl.DataFrame(rows).write_parquet(tmp_path / "emma.parquet")
    settings = SETTINGS.model_copy(update={"template": "question"})
    given = {"model": str(folder), "data": [f"emma={tmp_path / 'emma.parquet'}"], "settings": settings}
    result = evaluate(**given, out=tmp_path / "a")
    assert "3 questions with 3 images x 2 samples" in result["text"]
    again = evaluate(**given, out=tmp_path / "b")
    samples = [pl.read_parquet(found["samples"]).drop("seconds") for found in (result, again)]
    assert samples[0].height == 6
    assert samples[0].equals(samples[1])
    assert samples[0]["prompt"].str.count_matches("<image>", literal=True).to_list() == [1] * 6


def test_what_cannot_be_sampled_is_said(folder: Path, tmp_path: Path) -> None:
    generator = open_generator(str(folder), SETTINGS)
    (made,) = generator.generate([Request(prompt(1, "y" * 200), 0, (WHITE,))], SETTINGS)
    assert (made.text, made.ids, made.too_long) == ("", [], True)
    with pytest.raises(DataError, match="an image cannot be decoded"):
        generator.generate([Request(prompt(1), 0, (WHITE[:40],))], SETTINGS)
    bare = tmp_path / "bare"
    shutil.copytree(folder, bare)
    for file in bare.glob("chat_template*"):
        file.unlink()
    with pytest.raises(ConfigError, match=r"has no chat template(.|\n)*chat_template.jinja"):
        open_generator(str(bare), SETTINGS)
