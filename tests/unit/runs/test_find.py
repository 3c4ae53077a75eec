"""Run folders among the paths that a user names: folders of runs are opened, what is no run is passed over and said."""

import json

import pytest

from hicra.cli import main
from hicra.errors import DataError
from hicra.runs import RunFolder
from hicra.runs.find import files_read, find_runs, passed_over


def make_run(path, method="none", seed=0):
    run = RunFolder.create(path, method=method, seed=seed, config={"train": {"steps": 1, "seed": seed}})
    run.log(1, {"hicra/reward": 0.1 * seed + 0.05 * (method == "hicra")})
    return path


@pytest.fixture
def runs(tmp_path):
    """What a demo leaves: two run folders, and other files and folders beside them."""
    folder = tmp_path / "runs"
    made = [make_run(folder / "hicra", "hicra"), make_run(folder / "none")]
    make_run(folder / ".tmp-unfinished")
    (folder / "lexicon").mkdir()
    for name in ("config.yaml", "corpus.jsonl", "report.html"):
        (folder / name).write_text("{}\n")
    return folder, made


def test_a_folder_of_runs_stands_for_them(runs):
    folder, made = runs
    assert find_runs([folder]) == (made, [])
    assert find_runs([folder, made[1]]) == ([*made, made[1]], [])
    assert find_runs(made[::-1]) == (made[::-1], [])


def test_what_a_star_matches_besides_is_passed_over(runs):
    folder, made = runs
    matched = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    found, rest = find_runs(matched)
    assert found == made
    assert [path.name for path in rest] == ["config.yaml", "corpus.jsonl", "lexicon", "report.html"]
    assert passed_over([]) == []
    assert passed_over(rest[:1]) == [f"passed over, since it is no run folder: {rest[0]}"]
    (said,) = passed_over(rest * 2)
    assert said.startswith(f"passed over, since they are no run folders: {rest[0]}, {rest[1]}")
    assert said.endswith(" and 2 more")


def test_a_path_that_is_not_there_is_an_error(runs):
    with pytest.raises(DataError, match="gone does not exist"):
        find_runs([runs[0], runs[0] / "gone"])


def test_files_read_are_those_of_the_runs(runs):
    names = {file.name for file in files_read(runs[1])}
    assert names == {"hicra.json", "metrics.jsonl", "evaluation.json"}


def call(capsys, *words):
    with pytest.raises(SystemExit) as stop:
        main([*map(str, words), "--json", "-q"])
    out = capsys.readouterr()
    return stop.value.code, json.loads(out.out), out.err


def test_compare_and_report_take_what_a_star_matches(runs, capsys):
    folder, _ = runs
    matched = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    for paths, said in (([folder], False), (matched, True)):
        code, found, err = call(capsys, "compare", *paths, "--metric", "hicra/reward")
        assert code == 0, err
        assert [row["arm"] for row in found["comparisons"]] == ["hicra"]
        assert any("passed over" in warning for warning in found["warnings"]) == said
        code, found, err = call(capsys, "report", *paths, "-o", folder / f"page{len(paths)}.html")
        assert code == 0, err
        assert ("passed over" in err) == said


def test_a_page_of_a_folder_of_runs_is_written_into_it(runs, capsys):
    folder, made = runs
    (folder / "report.html").unlink()
    assert call(capsys, "report", folder)[1]["report"] == str(folder / "report.html")
    assert call(capsys, "report", made[0])[1]["report"] == str(made[0] / "report.html")


def test_a_table_beside_runs_is_refused_and_a_folder_without_runs_is_named(runs, tmp_path, capsys):
    folder, _ = runs
    (tmp_path / "t.csv").write_text("arm,seed,value\nnone,0,1\n")
    code, found, _ = call(capsys, "compare", folder, tmp_path / "t.csv")
    assert code == 1
    assert "compare tables or run folders" in found["fix"]
    code, found, _ = call(capsys, "report", folder / "lexicon")
    assert code == 1
    assert "lexicon" in found["error"]
