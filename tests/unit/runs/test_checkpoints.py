"""Checkpoints: whole or not there, whatever happens while one is saved; and only what a manifest verifies is used."""

import json
import shutil

import pytest

from hicra.artifacts import canonical_json, sha256_file
from hicra.runs import RunFolder
from hicra.runs.checkpoints import MANIFEST, METRICS, newest, publish, remove, replace
from hicra.runs.repair import rewind, sweep
from kill_at import killed_at


@pytest.fixture
def run(tmp_path):
    return RunFolder.create(tmp_path / "run", method="hicra", seed=0, config={})


def made(run, step, weights=None):
    """What an engine leaves in its hidden folder for the checkpoint of a step."""
    folder = run.checkpoints / ".work" / f"checkpoint-{step}"
    (folder / "inner").mkdir(parents=True, exist_ok=True)
    (folder / "weights").write_text(weights or f"weights of step {step}")
    (folder / "inner" / "state").write_text("state")
    return folder


def save(run, step, keep=2, **more):
    run.log(step, {"loss": float(step)})
    return publish(made(run, step, **more), run, step, keep)


def names(run):
    return sorted(path.name for path in run.checkpoints.iterdir() if not path.name.startswith("."))


def test_a_checkpoint_holds_its_files_their_sums_and_the_metrics_so_far(run):
    save(run, 1)
    target = save(run, 2)
    manifest = json.loads((target / MANIFEST).read_text())
    assert manifest["step"] == 2
    assert manifest["sha256"] == {name: sha256_file(target / name) for name in ("inner/state", METRICS, "weights")}
    assert (target / METRICS).read_text() == (run.path / METRICS).read_text()
    assert newest(run, pytest.fail) == (2, target)


def test_only_the_newest_are_kept_and_never_at_the_cost_of_a_sound_one(run):
    for step in (1, 2, 3):
        save(run, step)
    assert names(run) == ["step-000002", "step-000003"]
    (run.checkpoints / "step-000009").mkdir()  # a damaged one of a later time: it counts for nothing
    save(run, 4)
    assert names(run) == ["step-000003", "step-000004", "step-000009"]
    for step in (999_999, 1_000_000, 1_000_001):  # past six digits the order is still that of the steps
        save(run, step)
    assert names(run)[:2] == ["step-1000000", "step-1000001"]


# ---- what a manifest must be
@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "no readable manifest.json"), ("", "no readable"), ("{", "no readable"), ("[" * 100_000, "no readable"),
        ("[]", "lists no files"), ("12", "lists no files"), ("null", "lists no files"), ("{}", "lists no files"),
        ('{"sha256": null}', "lists no files"), ('{"sha256": {}}', "lists no files"), ('{"sha256": []}', "lists no files"),
    ],
)  # fmt: skip
def test_odd_manifests_are_passed_over(run, text, says):
    save(run, 1)
    target = save(run, 2)
    (target / MANIFEST).unlink() if text is None else (target / MANIFEST).write_text(text)
    said = []
    assert newest(run, said.append) == (1, run.checkpoints / "step-000001")
    assert len(said) == 1
    assert "step-000002 is passed over" in said[0]
    assert says in said[0]


def test_a_manifest_that_is_no_text_is_passed_over(run):
    save(run, 1)
    (save(run, 2) / MANIFEST).write_bytes(b"\xff\xfe")
    assert newest(run, [].append)[0] == 1


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda folder: (folder / "weights").write_text("other"), "weights is damaged"),
        (lambda folder: (folder / "weights").unlink(), "weights is missing"),
        (lambda folder: (folder / "optimizer.pt").write_text("x"), "optimizer.pt is not in its manifest.json"),
        (lambda folder: (folder / "inner" / "more").write_text("x"), "inner/more is not in its manifest.json"),
        (lambda folder: folder.rename(folder.with_name("step-000007")), "is of step 2"),
    ],
)
def test_what_does_not_match_the_manifest_is_passed_over(run, damage, says):
    save(run, 1)
    damage(save(run, 2))
    said = []
    assert newest(run, said.append) == (1, run.checkpoints / "step-000001")
    assert says in said[0]


def test_a_manifest_cannot_vouch_for_files_elsewhere(run, tmp_path):
    (tmp_path / "outside").write_text("x")
    target = save(run, 1)
    manifest = json.loads((target / MANIFEST).read_text())
    manifest["sha256"]["../../../outside"] = sha256_file(tmp_path / "outside")
    (target / MANIFEST).write_text(canonical_json(manifest))
    assert newest(run, [].append) is None


# ---- killed in the middle
def test_a_manifest_of_a_killed_attempt_never_poisons_the_next(run):
    folder = made(run, 2)
    (folder / MANIFEST).write_text('{"step": 2, "sha256": {"weights": "of another life"}}')
    target = save(run, 2)
    assert MANIFEST not in json.loads((target / MANIFEST).read_text())["sha256"]
    assert newest(run, pytest.fail) == (2, target)


@pytest.mark.slow
@pytest.mark.parametrize("again", [False, True], ids=["a new step", "a step whose damaged checkpoint is replaced"])
def test_a_kill_between_any_two_file_operations_of_a_save_is_survived(tmp_path, again):
    base = RunFolder.create(tmp_path / "base", method="hicra", seed=0, config={})
    save(base, 1)
    save(base, 2)
    if again:
        (save(base, 3) / "weights").write_text("damaged")
    else:
        base.log(3, {"loss": 3.0})
    killed = 0
    for number in range(1, 200):
        run = RunFolder.open(shutil.copytree(base.path, tmp_path / f"run-{number}"))
        folder = made(run, 3)
        died = killed_at(number, tmp_path, lambda run=run, folder=folder: publish(folder, run, 3, 2))
        # what is visible is complete: the new one, or those of before (one of them may have been on its way out)
        found = newest(run, [].append)
        assert found is not None
        assert found[0] in (2, 3)
        for path in run.checkpoints.iterdir():
            if path.name[0] != "." and not (again and path.name == "step-000003"):
                assert (path / MANIFEST).exists()
                assert (path / "weights").read_text() == f"weights of step {int(path.name[5:])}"
        # the next resume sweeps, goes on from there, and saves the step again
        rewind(run, found, [].append)
        assert not [path.name for path in run.checkpoints.iterdir() if path.name.startswith(".")]
        if found[0] == 2:
            save(run, 3)
        assert newest(run, pytest.fail) == (3, run.checkpoints / "step-000003")
        assert [row["step"] for row in run.metrics()] == [1, 2, 3]
        killed += died
        shutil.rmtree(run.path)
        if not died:
            break
    assert not died, "the save never came to its end"
    assert killed > 10, "hardly anything was cut off, so this shows little"


def test_folders_are_replaced_and_removed_whole(tmp_path):
    for number in range(1, 50):
        root = tmp_path / str(number)
        for name, text in (("new", "new"), ("final", "old")):
            (root / name).mkdir(parents=True)
            for file in ("a", "b"):
                (root / name / file).write_text(text)
        died = killed_at(
            number, root, lambda root=root: (replace(root / "new", root / "final"), remove(root / "final"))
        )
        if (root / "final").exists():
            texts = {(root / "final" / file).read_text() for file in ("a", "b")}
            assert texts in ({"old"}, {"new"})
        if not died:
            break
    assert not died
    assert number > 5
    assert list(root.iterdir()) == []


def test_a_kill_while_a_run_folder_is_made_is_survived(tmp_path):
    for number in range(1, 50):
        out = tmp_path / f"run-{number}"
        make = lambda out=out: RunFolder.create(out, method="hicra", seed=0, config={})  # noqa: E731
        died = killed_at(number, tmp_path, make)
        if not (out / "hicra.json").exists():
            sweep(out)
            make()
        assert RunFolder.open(out).method == "hicra"
        if not died:
            break
    assert not died
    assert number > 3


def test_sweeping_leaves_alone_what_is_no_leftover(run):
    save(run, 1)
    run.checkpoints.joinpath(".work", "checkpoint-9").mkdir(parents=True)
    for name in (".tmp-final", ".old-final"):
        (run.path / name).mkdir()
    for name in (".tmp-ab12.json", ".tmp-cd34.html", ".gitignore", "notes.txt"):
        (run.path / name).write_text("")
    sweep(run.path)
    left = sorted(path.name for path in run.path.iterdir())
    # a page may be built there by another process at this moment
    assert left == [".gitignore", ".tmp-cd34.html", "checkpoints", "hicra.json", METRICS, "notes.txt"]
    assert [path.name for path in run.checkpoints.iterdir()] == ["step-000001"]
