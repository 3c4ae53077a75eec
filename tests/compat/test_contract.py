"""Names that scripts outside the project rely on: verbs, flags, JSON keys, metric names, Python names."""

import importlib
import inspect
import json
import subprocess
import sys

import pytest

import hicra
from hicra import cli

ROWS = [
    {
        "id": 1,
        "solution": "First, we need to add. Let's check if it holds: we need to add 2.",
        "correct": True,
        "question": "a",
    },
    {
        "id": 2,
        "solution": "First, we need to add. Now let's check if it holds for 3.",
        "correct": True,
        "question": "b",
    },
    {"id": 3, "solution": "No idea what to do here.", "correct": False, "question": "b"},
]


@pytest.fixture
def rows(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


def run(capsys, *words, code=0):
    with pytest.raises(SystemExit) as stop:
        cli.main([*map(str, words), "--json"])
    out = capsys.readouterr()
    assert stop.value.code == code, out.err
    lines = out.out.strip().splitlines()
    assert len(lines) == 1, "exactly one JSON object on stdout"
    return json.loads(lines[0])


def test_inspect(capsys, rows):
    found = run(capsys, "corpus", "inspect", rows)
    assert {"format", "columns", "rows", "kept", "skipped", "duplicates", "errors"} <= set(found)
    assert (found["format"], found["rows"], found["kept"]) == ("jsonl", 3, 3)


def test_mine_show_diff(capsys, rows, tmp_path):
    found = run(capsys, "mine", rows, "-o", tmp_path / "lex", "--embedder", "hashing", "--top-clusters", "1.0")
    keys = {"solutions", "ngrams", "embedded", "clusters", "grams", "content_hash", "seconds", "peak_rss_mb"}
    assert keys <= set(found)
    assert found["solutions"] == 2
    shown = run(capsys, "lexicon", "show", tmp_path / "lex")
    assert {"name", "grams", "clusters", "content_hash"} <= set(shown)
    assert shown["content_hash"] == found["content_hash"]
    diff = run(capsys, "lexicon", "diff", "paper", tmp_path / "lex")
    assert {"added", "removed", "common", "jaccard"} <= set(diff)
    again = run(capsys, "mine", rows, "-o", tmp_path / "lex", code=1)
    assert "already exists" in again["error"]


def test_tag(capsys, rows, tmp_path):
    out = tmp_path / "tagged.jsonl"
    found = run(capsys, "tag", rows, "--lexicon", "paper", "-o", out)
    keys = {"rows", "tokens", "planning_tokens", "planning_share", "chars", "planning_chars", "tokens_per_second"}
    assert keys <= set(found)
    tagged = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["id"] for row in tagged] == [1, 2, 3]
    assert list(tagged[0]) == ["id", "solution", "correct", "question", "spans", "planning_chars"]
    for row in tagged:
        for span in row["spans"]:
            assert row["solution"][span["start"] : span["end"]].lower() == span["gram"]


def test_diagnose_and_report(capsys, rows, tmp_path):
    found = run(capsys, "diagnose", rows, "-o", tmp_path / "run")
    assert {"steps", "run_dir"} <= set(found)
    assert {"step", "rows", "hicra/accuracy", "hicra/semantic_entropy"} <= set(found["steps"][0])
    built = run(capsys, "report", tmp_path / "run", "-o", tmp_path / "page.html")
    assert {"report", "bytes"} <= set(built)
    manifest = json.loads((tmp_path / "run" / "hicra.json").read_text())
    assert {"kind", "schema_version", "method", "seed", "config", "inputs", "versions"} <= set(manifest)


def test_methods_and_doctor(capsys):
    found = run(capsys, "methods")["methods"]
    assert {"name", "kind", "needs", "settings", "source"} <= set(found[0])
    names = {"none", "hicra", "hicra_recentred", "hicra_released", "placebo", "entropy_advantage", "forking_tokens"}
    assert names <= {method["name"] for method in found}
    assert {"versions", "engines", "verl_plugin_registered", "problems"} <= set(run(capsys, "doctor"))


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["tag", "absent.jsonl"], 1, "absent.jsonl"),
        (["mine", "absent.jsonl", "-o", "x"], 1, "absent.jsonl"),
        (["tag"], 1, ""),
        (["lexicon", "show", "papr"], 1, "did you mean 'paper'"),
        (["report"], 1, "hicra report RUN"),
        (["train", "-o", "x", "--set", "train.stepz=1"], 1, "did you mean 'steps'"),
        (["train", "-o", "x", "--method", "hikra"], 1, "did you mean 'hicra'"),
        (["tagg"], 2, "tag"),
        (["mine", "x"], 2, "-o"),
        (["tag", "x", "--unit", "word"], 2, "unit"),
        (["mine", "x", "-o", "y", "--min-df", "few"], 2, "min-df"),
    ],
)
def test_bad_input_ends_with_its_code_and_says_what_to_do(capsys, tmp_path, monkeypatch, words, code, says):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        cli.main(words)
    err = capsys.readouterr().err
    assert stop.value.code == code
    assert "error: " in err
    assert "Traceback" not in err
    assert says in err
    assert list(tmp_path.iterdir()) == []


def test_no_correct_solution(capsys, tmp_path):
    path = tmp_path / "wrong.jsonl"
    path.write_text('{"solution": "we need to add two", "correct": false}\n')
    found = run(capsys, "mine", path, "-o", tmp_path / "lex", code=1)
    assert "correct" in found["error"]
    assert "--include-incorrect" in found["fix"]
    assert not (tmp_path / "lex").exists()


def test_python_names():
    assert {"Lexicon", "Tagger", "credit", "metrics", "stats", "corpus"} <= set(hicra.__all__)
    for name in hicra.__all__:
        assert getattr(hicra, name) is not None
    with pytest.raises(AttributeError):
        _ = hicra.nothing
    parameters = {
        hicra.credit.group_advantages: ["rewards", "group_ids", "scale"],
        hicra.credit.hicra: ["advantages", "planning_mask", "alpha"],
        hicra.metrics.semantic_entropy: ["counts", "estimator", "base"],
        hicra.metrics.pass_at_k: ["n", "c", "k"],
        hicra.stats.paired_comparison: ["treatment", "baseline", "confidence"],
        hicra.Tagger: ["lexicon", "tokenizer", "unit"],
        hicra.Tagger.mask: ["self", "ids", "response_mask"],
    }
    for function, names in parameters.items():
        assert list(inspect.signature(function).parameters) == names
    defaults = {name: method.settings for name, method in hicra.credit.METHODS.items()}
    assert defaults["hicra"] == {"alpha": 0.2}
    assert defaults["entropy_advantage"] == {"alpha": 0.4, "kappa": 2.0}
    assert defaults["forking_tokens"] == {"rho": 0.2, "normalise": "all"}
    assert "seed" in defaults["placebo"]


NAMES = """
accuracy length planning_share entropy_planning entropy_execution ppl_planning ppl_execution semantic_entropy
semantic_entropy_rarefied conditional_entropy advantage_mean_before advantage_mean_after changed_share pass_at_K
signal_planning signal_execution noise_planning noise_execution weight_planning weight_execution
"""


def test_metric_names():
    assert {metric.name for metric in hicra.metrics.METRICS} >= {f"hicra/{name}" for name in NAMES.split()}


def test_base_install_needs_no_torch():
    heavy = ["torch", "transformers", "trl", "datasets", "accelerate", "peft"]
    code = (
        "import sys, importlib.abc\n"
        "class Absent(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.split('.')[0] in {heavy!r}: raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "import hicra, hicra.cli, hicra.tagging, hicra.diagnose, hicra.report, hicra.mining.mine, hicra.doctor\n"
        "import hicra.engines.lists, hicra.engines.slime, hicra.engines.rllm, hicra.engines.skyrl\n"
        "hicra.Tagger(hicra.Lexicon.load('paper')).spans('so we')\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_importing_hicra_imports_nothing_heavy():
    code = "import sys, hicra; print([m for m in ('numpy', 'polars', 'torch') if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_every_module_says_what_it_is_for():
    import pkgutil

    for module in pkgutil.walk_packages(hicra.__path__, "hicra."):
        if module.name.startswith(("hicra.engines.", "hicra.related.")) or module.name in (
            "hicra.generation.sampling",
            "hicra.generation.local",
        ):
            continue  # they need torch, or the package of an environment
        assert importlib.import_module(module.name).__doc__, module.name
