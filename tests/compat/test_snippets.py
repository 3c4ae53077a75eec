"""Every Python block of README and docs runs: the blocks of a page one after another, in one namespace and an empty folder.

A block that cannot run here has a comment right above it that says why, which no reader sees:

    <!-- not run: it needs mlx; tests/unit/engines/test_pages_of_engines.py runs it on stand-ins -->

Files and names that a page takes as given ("your rollouts") are made by `GIVEN` below. The commands of the pages are parsed by
test_docs.py, and what `pycon` and `sh` blocks print is compared by test_examples.py.
"""

from __future__ import annotations

import io
import json
import re
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from hicra import Lexicon
from hicra.diagnose.diagnose import diagnose
from hicra.export.export import export
from paths import ROOT

BLOCK = re.compile(r"(?:^<!-- not run: (?P<why>.+?) -->\n\n?)?^```python\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = re.compile(r"<!-- not run:")
PAGES = [
    page
    for page in (ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md")))
    if "```python\n" in page.read_text(encoding="utf-8")
]
TORCH = {
    "engines/related", "how-to/evaluate", "how-to/mine", "how-to/signal", "how-to/tag", "methods/agents", "methods/attention",
}  # fmt: skip


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT / "docs" if page.is_relative_to(ROOT / "docs") else ROOT).with_suffix(""))


def blocks(text: str) -> list[tuple[int, str, str | None]]:
    """(line, code, why it is not run or None) of the Python blocks of a page."""
    return [
        (text[: found.start("code")].count("\n") + 1, found["code"], found["why"]) for found in BLOCK.finditer(text)
    ]


# What the pages take as given: a function of an empty folder, the working folder of the page, that gives names.


def verl_dump(folder: Path) -> dict[str, Any]:
    """`rollouts/`, the example rollouts as verl writes them, whose text is in `output`."""
    (folder / "rollouts").mkdir()
    for line in (ROOT / "examples" / "rollouts.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        said = {
            "input": row["question"],
            "output": row["response"],
            "score": float(row["reward"]),
            "gts": row["answer"],
        }
        with open(folder / "rollouts" / f"{row['step']}.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(said) + "\n")
    return {}


def two_runs(folder: Path) -> dict[str, Any]:
    """`runs/none` and `runs/hicra`."""
    verl_dump(folder)
    for arm in ("none", "hicra"):
        diagnose(
            [folder / "rollouts"], Lexicon.load("paper"), tokenizer=None, out=folder / "runs" / arm, on_bad="stop",
            max_bad=0.0,
        )  # fmt: skip
    return {}


def tidy_tables(folder: Path) -> dict[str, Any]:
    """`tables/`, of two runs."""
    two_runs(folder)
    export([folder / "runs"], folder / "tables", "parquet")
    return {}


def evaluations(folder: Path) -> dict[str, Any]:
    """`evals/ARM-SEED/samples.parquet` of eight seeds, and the table that the page works by hand."""
    for arm in ("none", "hicra"):
        for seed in range(8):
            place = folder / "evals" / f"{arm}-{seed}"
            place.mkdir(parents=True)
            right = [True, None, (arm == "hicra"), seed % 2 == 0]
            columns = {"file": "q", "group_id": ["a", "a", "b", "b"], "correct": right, "verdict": "correct"}
            pl.DataFrame(columns).write_parquet(place / "samples.parquet")
    rows = [("grpo", 0, 0.1), ("grpo", 1, 0.2), ("grpo", 2, 0.3), *(("hicra", seed, 0.3) for seed in range(3))]
    pl.DataFrame(rows, schema=["arm", "seed", "value"], orient="row").write_csv(folder / "results.csv")
    return {}


def training_prompts(folder: Path) -> dict[str, Any]:
    """`train.parquet`, prompts in verl's form."""
    row = {
        "data_source": "sums", "prompt": [{"role": "user", "content": "2 + 3?"}], "ability": "math",
        "reward_model": {"style": "rule", "ground_truth": "5"}, "extra_info": {"index": 0, "split": "train"},
    }  # fmt: skip
    pl.DataFrame([row]).write_parquet(folder / "train.parquet")
    return {}


def questions(folder: Path) -> dict[str, Any]:
    """`aime24.jsonl`."""
    (folder / "aime24.jsonl").write_text('{"problem": "What is 2 + 3?", "answer": "5"}\n', encoding="utf-8")
    return {}


def a_world(folder: Path) -> dict[str, Any]:
    """An environment that knows its subgoals and its expert, and a codec of its words."""
    from agents_made import Shown, Words

    return {"environment": Shown(), "codec": Words()}


GIVEN = {
    "engines/verl": training_prompts,
    "how-to/compare": evaluations,
    "how-to/mine": verl_dump,
    "how-to/read-rollouts": verl_dump,
    "how-to/report": two_runs,
    "how-to/share": tidy_tables,
    "how-to/tasks": questions,
    "methods/agents": a_world,
}


def run(page: Path, folder: Path) -> tuple[dict[str, Any], str]:
    """Runs the blocks of a page in a folder, which is the working folder; returns its names and what it printed."""
    names = {"__name__": "page", **GIVEN.get(name_of(page), lambda folder: {})(folder)}
    with redirect_stdout(io.StringIO()) as out:
        for line, code, why in blocks(page.read_text(encoding="utf-8")):
            if why is None:
                exec(compile("\n" * (line - 1) + code, str(page), "exec"), names)  # noqa: S102  a page of this project
    return names, out.getvalue()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("hicra.evaluate.questions.GENERATED_QUESTIONS", 4)  # the pages ask all 256
    return tmp_path


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=[pytest.mark.slow] * (name_of(page) in TORCH), id=name_of(page)) for page in PAGES],
)
def test_the_python_blocks_of_a_page_run(page, folder):
    if name_of(page) in TORCH:
        pytest.importorskip("transformers")
    names, printed = run(page, folder)
    check = CHECKS.get(name_of(page))
    if check:
        check(names, printed)


# What some pages say of their results, in comments or in words.


def compared(names: dict[str, Any], printed: str) -> None:
    assert names["found"].difference == pytest.approx(0.1)
    assert "inconclusive" in printed
    table = pl.read_parquet("results.parquet")
    assert table.height == 32  # 2 arms x 8 seeds x 2 questions
    # question a: right and unjudged, 1/2; question b of hicra: 1 and 1 or 0, of none: 0 and 1 or 0
    by_arm = dict(table.group_by("arm").agg(pl.col("value").mean()).iter_rows())
    assert by_arm == {"none": (0.5 + 0.25) / 2, "hicra": (0.5 + 0.75) / 2}


def shaped(names: dict[str, Any], printed: str) -> None:
    assert names["before"].tolist() == [0.75, -0.25, -0.25, -0.25]
    assert names["after"][:, 0].round(2).tolist() == [0.9, -0.2, -0.2, -0.2]


def extended(names: dict[str, Any], printed: str) -> None:
    import numpy as np

    assert names["METHOD"](np.array([0.5]), {"response_mask": names["mask"]}, count=2).tolist() == [[0.5, 0.5, 0, 0.5]]


def saved(names: dict[str, Any], printed: str) -> None:
    assert Lexicon.load("my-phrases").phrases == ["let me check", "wait, but"]


CHECKS = {
    "how-to/compare": compared,
    "how-to/extend": extended,
    "methods/README": shaped,
    "how-to/lexicons": saved,
}


def test_every_mark_stands_right_above_a_block_and_names_what_is_there():
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        reasons = [why for _, _, why in blocks(text) if why]
        assert len(reasons) == len(MARK.findall(text)), f"{page}: a mark without a block"
        for why in reasons:
            assert len(why.split()) >= 4, f"{page}: {why!r} is no reason"
            for path in re.findall(r"(?:tests|examples|benchmarks)/[\w/.]+\.py", why):
                assert (ROOT / path).is_file(), f"{page}: {path}"


@pytest.mark.parametrize(
    "page", [page for page in sorted(ROOT.glob("docs/**/*.md")) if "```yaml\n" in page.read_text(encoding="utf-8")],
    ids=name_of,
)  # fmt: skip
def test_yaml_blocks_can_be_read(page):
    for code in re.findall(r"^```yaml\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        assert isinstance(yaml.safe_load(code), dict)


def test_a_block_that_fails_is_found_with_its_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = ROOT / "docs" / "page.md"  # never written
    text = "# Page\n\n```python\nx = 1\n```\n\n<!-- not run: it needs a network -->\n```python\nx = y\n```\n\n```python\nx = 2\n"
    assert blocks(text + "```\n") == [(4, "x = 1\n", None), (9, "x = y\n", "it needs a network"), (13, "x = 2\n", None)]
    monkeypatch.setattr(Path, "read_text", lambda self, encoding=None: text + "1 / 0\n```\n")
    with pytest.raises(ZeroDivisionError) as error:
        run(page, tmp_path)
    assert error.traceback[-1].lineno + 1 == 14
