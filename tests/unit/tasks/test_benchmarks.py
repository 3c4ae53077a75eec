"""Benchmark rows as upstream writes them: golds, options, images. All fixtures are made here; none is real data."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hicra.errors import ConfigError, DataError, EngineError
from hicra.tasks import choices, images
from hicra.tasks.benchmarks import BENCHMARKS, benchmark_of
from hicra.tasks.math import MathTask, read_benchmark


def png(width: int = 2, height: int = 1, claimed: tuple[int, int] | None = None) -> bytes:
    """A black grey-scale PNG; `claimed` puts another size into its header."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", *(claimed or (width, height)), 8, 0, 0, 0, 0)
    rows = (b"\0" + b"\0" * width) * height
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def write(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


# name, a row as upstream has it, (question as asked, answer, other columns)
TEXT = [
    ("gsm8k", {"question": "Two?", "answer": "1 + 1 = <<1+1=2>>2\n#### 2"}, ("Two?", "2", {})),
    ("math_train", {"problem": "P", "solution": "So $\\boxed{3}$ or \\boxed{\\frac{1}{2}}.", "level": "Level 5"},
     ("P", "\\frac{1}{2}", {})),
    ("math500", {"problem": "P", "answer": "\\left( 3, \\frac{\\pi}{2} \\right)", "unique_id": "test/1.json"},
     ("P", "\\left( 3, \\frac{\\pi}{2} \\right)", {})),
    ("aime24", {"ID": "2024-I-1", "Problem": "P", "Answer": 204}, ("P", "204", {})),
    ("aime25", {"problem": "P", "answer": "70", "id": "0"}, ("P", "70", {})),
    ("amc23", {"id": 0, "question": "P", "answer": 27.0}, ("P", "27.0", {})),
    ("minerva", {"problem": "P", "solution": "text \\boxed{1.6} cm"}, ("P", "1.6", {})),
    ("olympiadbench", {"id": 1, "question": "P", "final_answer": ["1.5"], "error": "1e-1", "unit": "%"},
     ("P", "1.5", {"answers": ["1.5"], "error": "1e-1"})),
    ("olympiadbench", {"id": 1, "question": "P", "final_answer": ["1,3,5"], "error": None, "is_multiple_answer": True},
     ("P", "1,3,5", {"answers": ["1,3,5"], "is_multiple_answer": True})),
]  # fmt: skip


@pytest.mark.parametrize(("name", "row", "expected"), TEXT)
def test_text_benchmarks_read_upstream_rows(
    tmp_path: Path, name: str, row: dict[str, Any], expected: tuple[str, str, dict[str, Any]]
) -> None:
    (read,) = read_benchmark(name, write(tmp_path / "b.jsonl", [row]), prompt="question")
    rest = {key: value for key, value in read.items() if key not in ("id", "prompt", "question", "answer")}
    assert (read["question"], read["answer"], rest) == expected


def test_tolerance_and_several_answers_reach_the_verifier(tmp_path: Path) -> None:
    rows = [TEXT[7][1], TEXT[8][1] | {"id": 2}]
    read = read_benchmark("olympiadbench", write(tmp_path / "b.jsonl", rows))
    assert list(read[0]) == list(read[1])
    task = MathTask(benchmark="olympiadbench")
    texts = [r"\boxed{1.58\%}", r"\boxed{5, 1, 3}", r"\boxed{1.7}", r"\boxed{1, 3}"]
    scores = task.score_all(texts, [*read, *read], [True] * 4)
    assert [score.reward for score in scores] == [1.0, 1.0, 0.0, 0.0]


def test_an_error_that_is_no_tolerance_is_named(tmp_path: Path) -> None:
    row = {"question": "P", "final_answer": ["1"], "error": "about 1"}
    with pytest.raises(DataError, match=r"b.jsonl line 1: error 'about 1' is no tolerance"):
        read_benchmark("olympiadbench", write(tmp_path / "b.jsonl", [row]))


IMAGE = {"bytes": png(), "path": "1.png"}
VISION = [
    ("mathvista", {"pid": "1", "question": "Which?", "image": "images/1.jpg", "decoded_image": IMAGE, "choices": ["Yes", "No"],
                   "answer": "No", "question_type": "multi_choice", "answer_type": "text", "precision": None},
     ("Which?\n(A) Yes\n(B) No", "B", ["No"], 1)),
    ("mathvista", {"pid": "2", "question": "How long?", "image": "x", "decoded_image": IMAGE, "choices": None, "answer": "1.2",
                   "question_type": "free_form", "answer_type": "float", "precision": 1.0},
     ("How long?", "1.2", None, 1)),
    ("mathverse", {"sample_index": "1", "question": "Find x. Choices:\n(A) 30\n(B) 45", "image": IMAGE, "answer": "B",
                   "question_type": "multi-choice"}, ("Find x. Choices:\n(A) 30\n(B) 45", "B", None, 1)),
    ("mathvision", {"id": "4", "question": "Which? <image1>", "options": ["A", "B", "C"], "image": "images/4.jpg",
                    "decoded_image": IMAGE, "answer": "C"}, ("Which? <image1>\n(A) A\n(B) B\n(C) C", "C", [], 1)),
    ("emma", {"pid": "m_1", "question": "Pick <image_1> <image_2>", "options": "['7', '9']", "answer": "A", "image_1": IMAGE,
              "image_2": IMAGE, "image_3": None, "image_4": None, "image_5": None},
     ("Pick <image_1> <image_2>\n(A) 7\n(B) 9", "A", ["7"], 2)),
    ("emma", {"pid": "m_2", "question": "Q", "options": "[]", "answer": "12", "image_1": IMAGE, "image_2": None},
     ("Q", "12", None, 1)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "row", "expected"), VISION)
def test_vision_benchmarks_read_parquet_with_images(
    tmp_path: Path, name: str, row: dict[str, Any], expected: tuple[str, str, list[str] | None, int]
) -> None:
    pl.DataFrame([row]).write_parquet(tmp_path / "b.parquet")
    (read,) = read_benchmark(name, str(tmp_path / "b.parquet"), prompt="question")
    assert (read["question"], read["answer"], read.get("also"), len(read["images"])) == expected
    content = read["prompt"][-1]["content"]
    assert [part["type"] for part in content] == ["image"] * expected[3] + ["text"]
    assert content[-1]["text"] == expected[0]
    assert [images.kind_of(data) for data in read["images"]] == ["png"] * expected[3]


def test_a_choice_may_be_given_by_letter_or_text_and_a_float_to_its_precision(tmp_path: Path) -> None:
    pl.DataFrame([VISION[0][1], VISION[1][1]], infer_schema_length=None).write_parquet(tmp_path / "b.parquet")
    choice, number = read_benchmark("mathvista", str(tmp_path / "b.parquet"))
    task = MathTask(benchmark="mathvista")
    texts = {r"\boxed{B}": 1, r"\boxed{(B) No}": 1, r"\boxed{No}": 1, r"\boxed{A}": 0, r"\boxed{Yes}": 0, "none": 0}
    scores = task.score_all(list(texts), [choice] * len(texts), [True] * len(texts))
    assert [score.reward for score in scores] == list(texts.values())
    assert number["error"] == "5e-2"
    scores = task.score_all([r"\boxed{1.23}", r"\boxed{1.26}"], [number] * 2, [True] * 2)
    assert [score.reward for score in scores] == [1.0, 0.0]


def test_which_option_an_answer_means() -> None:
    assert choices.gold_of_choice("No", ["Yes", "No"], False) == {"answer": "B", "also": ["No"]}
    assert choices.gold_of_choice("(b)".upper(), ["1", "2"], True) == {"answer": "B", "also": ["2"]}
    assert choices.gold_of_choice("A", ["B", "A"], True) == {"answer": "A", "also": []}
    assert choices.gold_of_choice("A", ["B", "A"], False) == {"answer": "B", "also": []}
    assert choices.gold_of_choice("A", ["7", "7"], True) == {"answer": "A", "also": []}
    for answer, options in (("7", ["7", "7"]), ("C", ["1", "2"]), ("maybe", ["1", "2"])):
        with pytest.raises(DataError, match="neither a letter from A to B nor exactly one option"):
            choices.gold_of_choice(answer, options, True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("['a', __import__('os').system('true')]", "no list of texts"),
        ("[" * 500, "no list of texts"),
        ("('a' 'b'", "no list of texts"),
        ({"a": 1}, "no list of texts"),
        ([["a"]], "no list of texts"),
        ([str(n) for n in range(27)], "27 options"),
    ],
)
def test_options_are_read_and_never_run(options: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        choices.choices_of({"options": options}, ("options",))


def test_images_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "1.png").write_bytes(png())
    (tmp_path / "note.png").write_bytes(b"hello")
    (tmp_path.parent / "outside.png").write_bytes(png())
    row = {"id": "1", "question": "Q", "options": [], "answer": "1"}

    def read(image: Any) -> list[dict[str, Any]]:
        return read_benchmark("mathvision", write(tmp_path / "b.jsonl", [row | {"image": image}]))

    assert read("images/1.png")[0]["images"] == [png()]
    for image, message in (
        ("images/2.png", "b.jsonl line 1: no image 'images/2.png' beside the file"),
        ("../outside.png", "lies outside the folder"),
        (str(tmp_path.parent / "outside.png"), "lies outside the folder"),
        ("note.png", "neither PNG"),
        ("a\0b", "image"),
        (7, "an image is int"),
        (None, "no image in decoded_image, image"),
    ):
        with pytest.raises(DataError, match=message):
            read(image)


def test_the_kind_of_an_image_is_told_by_its_first_bytes() -> None:
    found = [
        images.kind_of(data)
        for data in (png(), b"\xff\xd8\xff\xe0", b"GIF89a", b"RIFF0000WEBP", b"BM00", b"<svg>", b"")
    ]
    assert found == ["png", "jpeg", "gif", "webp", "bmp", None, None]


@pytest.mark.filterwarnings("ignore:Image size")
def test_pixels_where_pillow_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EngineError, match="Pillow"):
        images.open_images([png()])
    monkeypatch.undo()
    pytest.importorskip("PIL")
    (image,) = images.open_images([png(3, 2)])
    assert (image.size, image.mode) == ((3, 2), "RGB")
    for data in (png()[:-30], png(claimed=(60_000, 60_000)), png(claimed=(12_000, 10_000))):
        with pytest.raises(DataError, match=r"cannot be decoded|pixels"):
            images.open_images([data])


def test_an_unknown_benchmark_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"b: no benchmark 'math_500'[\s\S]*mean 'math500'"):
        benchmark_of("math_500", "b")
    assert {"math500", "aime24", "aime25", "amc23", "minerva", "olympiadbench", "emma"} < set(BENCHMARKS)
