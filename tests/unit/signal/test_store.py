"""The folder of a measurement: complete or not there, the same bytes after any kill, and never another measurement's."""

import json

import numpy as np
import pytest

from hicra.errors import ArtifactError, ConfigError
from hicra.signal.parts import MeasuredBatch, as_text
from hicra.signal.store import SignalStore
from kill_at import killed_at
from signal_fakes import signal_result

ASKED = {"settings": {"batches": 3, "seed": 0}, "model": {"name": "m", "sha256": "0"}, "inputs": {"lexicon": "a"}}
RESULT = signal_result(batches=3, groups=9, mixed_groups=4, all_tokens=50) | {"accuracy": float("nan")}
RESULT["tokens"] = dict.fromkeys(RESULT["kinds"], 10)
for needed in (*RESULT["kinds"].values(), *RESULT["methods"].values()):
    needed.setdefault("batches_needed", None)
KEYS = ("kind planning", "kind execution", "method none")
ABOUT = {
    "rollouts": 8, "judged": 8, "right": 3, "unscorable": 0, "groups": 2, "mixed_groups": 1, "all_tokens": 90,
    "tokens": {"planning": 30, "execution": 60}, "reward": 0.375, "seconds": 2.0,
}  # fmt: skip
EXPECTED = {"methods": ["none"], "numbers": 5}


def part(number):
    vectors = np.random.default_rng(number).normal(size=(2, 5)).astype(np.float32)
    return MeasuredBatch(vectors, {key: np.array([1.0, at / 2]) for at, key in enumerate(KEYS)}, ABOUT)


def measured(path, resume=False, asked=ASKED, overwrite=False):
    store = SignalStore.open(path, asked, {}, resume=resume, overwrite=overwrite)
    for number in range(asked["settings"]["batches"]):
        if store.read_part(number, **EXPECTED) is None:
            store.write_part(number, part(number))
    store.finish(np.eye(4).reshape(2, 2, 2, 2), ["planning", "none"], RESULT, 6.0)
    return store


def files(path):
    return {one.relative_to(path).as_posix(): one.read_bytes() for one in sorted(path.rglob("*")) if one.is_file()}


def test_a_part_comes_back_as_it_was(tmp_path):
    store = SignalStore.open(tmp_path / "out", ASKED, {}, resume=False)
    store.write_part(1, part(1))
    found, given = store.read_part(1, **EXPECTED), part(1)
    assert found.vectors.dtype == np.float32
    assert np.array_equal(found.vectors, given.vectors)
    assert {key: row.tolist() for key, row in found.coefficients.items()} == dict(
        zip(KEYS, ([1, 0], [1, 0.5], [1, 1]), strict=True)
    )
    assert found.about == given.about
    assert store.read_part(0, **EXPECTED) is None


def test_a_batch_without_a_gradient_comes_back_too(tmp_path):
    store = SignalStore.open(tmp_path / "out", ASKED, {}, resume=False)
    store.write_part(0, MeasuredBatch(np.zeros((0, 5), np.float32), {key: np.zeros(0) for key in KEYS}, ABOUT))
    assert store.read_part(0, **EXPECTED).vectors.shape == (0, 5)
    assert store.read_part(0, **EXPECTED).coefficients["method none"].shape == (0,)


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-40], lambda data: b"", lambda data: data[:200] + b"x" + data[201:]]
)
def test_a_damaged_part_counts_as_absent(tmp_path, damage):
    store = SignalStore.open(tmp_path / "out", ASKED, {}, resume=False)
    store.write_part(0, part(0))
    path = tmp_path / "out" / "parts" / "000000.npz"
    path.write_bytes(damage(path.read_bytes()))
    assert store.read_part(0, **EXPECTED) is None


@pytest.mark.parametrize(
    "change",
    [
        {"vectors": lambda v: v * np.nan},
        {"vectors": lambda v: v.astype(np.complex64)},
        {"vectors": lambda v: v.astype("U8")},
        {"vectors": lambda v: v[:, :4]},
        {"vectors": lambda v: v[0]},
        {"vectors": lambda v: np.array(3.0, np.float32)},
        {"vectors": lambda v: v.astype(np.float64)},
        {"coefficients": lambda c: np.full_like(c, np.inf)},
        {"coefficients": lambda c: c[:, :1]},
        {"coefficients": lambda c: c.astype("U8")},
        {"about": [1]},
        {"about": {}},
        {"about": None},
        {"about": {"names": 3}},
        {"about": {"names": [1, 2, 3]}},
        {"about": {"names": [*KEYS[:2], "method other"]}},
        {"about": {"names": [*KEYS[:2], KEYS[0]]}},
        {"about": {"seconds": None}},
        {"about": {"seconds": "2"}},
        {"about": {"reward": float("inf")}},
        {"about": {"tokens": 3}},
        {"about": {"tokens": {"planning": 30}}},
        {"about": {"tokens": {"planning": -1, "execution": 60}}},
        {"about": {"rollouts": 8.5}},
        {"about": {"right": True}},
    ],
)
def test_a_part_that_holds_something_else_counts_as_absent(tmp_path, change):
    store = SignalStore.open(tmp_path / "out", ASKED, {}, resume=False)
    store.write_part(0, part(0))
    file = tmp_path / "out" / "parts" / "000000.npz"
    with np.load(file, allow_pickle=False) as found:
        arrays = dict(found)
    for key, new in change.items():
        if key != "about":
            arrays[key] = new(arrays[key])
        elif isinstance(new, dict) and new:
            text = json.dumps(json.loads(arrays[key].tobytes()) | new)
            arrays[key] = np.frombuffer(text.encode(), np.uint8)
        else:
            arrays[key] = as_text(new)
    np.savez(file, **arrays)
    assert store.read_part(0, **EXPECTED) is None
    store.write_part(0, part(0))
    assert store.read_part(0, **EXPECTED) is not None


def test_a_part_that_one_byte_has_spoiled_is_never_read_as_another(tmp_path):
    store = SignalStore.open(tmp_path / "out", ASKED, {}, resume=False)
    store.write_part(0, part(0))
    file = tmp_path / "out" / "parts" / "000000.npz"
    whole, given = file.read_bytes(), part(0)
    absent = 0
    for at in range(0, len(whole), 3):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 0x81]) + whole[at + 1 :])  # also versions and flags of the zip
        found = store.read_part(0, **EXPECTED)
        absent += found is None
        assert found is None or (np.array_equal(found.vectors, given.vectors) and found.about == given.about), at
    assert absent > 100


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"complete": None}, "complete is 'None', neither true nor false"),
        ({"complete": ...}, "has no complete"),
        ({"seconds": ...}, "has no seconds"),
        ({"seconds": "x"}, "seconds is 'x'"),
        ({"seconds": None}, "seconds is None"),
        ({"settings": None}, "settings is 'None', no object"),
        ({"settings": []}, "settings is"),
        ({"settings": {"seed": 0}}, "settings has no batches"),
        ({"settings": {"seed": 0, "batches": True}}, "settings: batches is 'True'"),
        ({"model": 3}, "model is '3'"),
        ({"inputs": ...}, "has no inputs"),
    ],
)
def test_a_damaged_manifest_is_named(tmp_path, change, said):
    measured(tmp_path / "out")
    file = tmp_path / "out" / "hicra.json"
    manifest = json.loads(file.read_text()) | change
    file.write_text(json.dumps({key: value for key, value in manifest.items() if value is not ...}))
    with pytest.raises(ArtifactError, match=f"hicra.json.*{said}") as refused:
        SignalStore.open(tmp_path / "out", ASKED, {}, resume=True)
    assert "--overwrite" in refused.value.fix
    measured(tmp_path / "out", overwrite=True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not readable"),
        ("{}", "has no kinds"),
        ("[]", "no object"),
        ("null", "no object"),
        ('{"kinds": {}}', "has no methods"),
        ({"kinds": None}, "kinds is 'None'"),
        ({"kinds": {}}, "kinds.planning is 'None'"),
        ({"methods": {}}, "methods.none is 'None'"),
        ({"methods": {"none": {}}}, "methods.none has no cosine"),
        ({"accuracy": "a"}, "accuracy is 'a'"),
        ({"batches": 2.5}, "batches is '2.5'"),
        ({"warnings": [1]}, "warnings is"),
        ({"tokens": {}}, "tokens has no execution"),
    ],
)
def test_a_damaged_result_is_named_and_made_again(tmp_path, text, said):
    measured(tmp_path / "out")
    file = tmp_path / "out" / "signal.json"
    whole = file.read_bytes()
    file.write_text(text if isinstance(text, str) else json.dumps(json.loads(whole) | text))
    with pytest.raises(ArtifactError, match=f"signal.json.*{said}") as refused:
        SignalStore.open(tmp_path / "out", ASKED, {}, resume=True).result()
    assert "remove signal.json" in refused.value.fix
    file.unlink()
    measured(tmp_path / "out", resume=True)
    assert file.read_bytes() == whole


@pytest.mark.slow
def test_a_kill_anywhere_is_resumed_to_the_same_bytes(tmp_path):
    straight = measured(tmp_path / "straight")
    expected = files(straight.path)
    number, died = 0, True
    while died:
        number += 1
        out = tmp_path / f"out{number}"
        died = killed_at(number, tmp_path, lambda out=out: measured(out))
        measured(out, resume=True)
        assert files(out) == expected, number
    assert number > 20


def test_the_result_has_no_nan_and_its_seconds(tmp_path):
    store = measured(tmp_path / "out")
    found = SignalStore.open(tmp_path / "out", ASKED, {}, resume=True).result()
    assert found == RESULT | {"accuracy": None, "seconds": 6.0}
    assert "seconds" not in json.loads((store.path / "signal.json").read_text())
    with np.load(store.path / "products.npz", allow_pickle=False) as file:
        assert file["inner"].shape == (2, 2, 2, 2)
        assert json.loads(file["names"].tobytes()) == ["planning", "none"]


@pytest.mark.slow
def test_a_kill_anywhere_while_replacing_leaves_the_old_or_the_new(tmp_path):
    old = ASKED | {"settings": {"batches": 2, "seed": 7}}
    expected = files(measured(tmp_path / "straight").path)
    number, died, kept = 0, True, 0
    while died:
        number += 1
        out = tmp_path / f"out{number}"
        before = files(measured(out, asked=old).path)
        died = killed_at(number, tmp_path, lambda out=out: measured(out, overwrite=True))
        if files(out) == before:
            kept += 1
        else:
            measured(out, resume=True)
            assert files(out) == expected, number
    assert number > 20
    assert kept > 5


@pytest.mark.parametrize("overwrite", [False, True])
def test_nothing_is_written_before_the_first_batch(tmp_path, overwrite):
    if overwrite:
        measured(tmp_path / "out")
    before = files(tmp_path)
    other = ASKED | {"settings": {"batches": 3, "seed": 9}}
    store = SignalStore.open(tmp_path / "out", other, {}, resume=False, overwrite=overwrite)
    assert store.read_part(0, **EXPECTED) is None  # the parts that are there are another measurement's
    assert store.result() is None
    assert files(tmp_path) == before
    store.write_part(0, part(0))
    assert set(files(tmp_path)) == {"out/hicra.json", "out/parts/000000.npz"}
    assert json.loads((tmp_path / "out" / "hicra.json").read_text())["settings"]["seed"] == 9


def test_going_on_to_more_batches_writes_nothing_before_the_first_of_them(tmp_path):
    before = files(measured(tmp_path / "out").path)
    more = ASKED | {"settings": {"batches": 5, "seed": 0}}
    store = SignalStore.open(tmp_path / "out", more, {}, resume=True)
    assert files(tmp_path / "out") == before
    store.write_part(3, part(3))
    manifest = json.loads((tmp_path / "out" / "hicra.json").read_text())
    assert (manifest["complete"], manifest["settings"]["batches"]) == (False, 5)


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [("settings", "seed", 1), ("settings", "batches", 2), ("model", "sha256", "1"), ("inputs", "lexicon", "b")],
)
def test_another_measurement_is_refused(tmp_path, part, key, value):
    measured(tmp_path / "out")
    asked = ASKED | {part: ASKED[part] | {key: value}}
    with pytest.raises(ArtifactError, match=rf"{part}\.{key} = .*, this one has {value!r}") as refused:
        SignalStore.open(tmp_path / "out", asked, {}, resume=True)
    assert "--overwrite" in refused.value.fix


def test_it_goes_on_to_more_batches(tmp_path):
    more = ASKED | {"settings": {"batches": 5, "seed": 0}}
    measured(tmp_path / "out")
    store = SignalStore.open(tmp_path / "out", more, {}, resume=True)
    assert store.result() is None
    assert store.read_part(2, **EXPECTED) is not None
    assert store.read_part(3, **EXPECTED) is None
    grown = files(measured(tmp_path / "out", resume=True, asked=more).path)
    assert grown == files(measured(tmp_path / "straight", asked=more).path)


def test_what_is_there_is_refused_and_overwritten_when_asked(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("x")
    with pytest.raises(ArtifactError, match="already exists") as refused:
        SignalStore.open(tmp_path / "out", ASKED, {}, resume=True)
    assert "--resume" not in refused.value.fix
    measured(tmp_path / "other")
    with pytest.raises(ArtifactError, match="already exists") as refused:
        SignalStore.open(tmp_path / "other", ASKED, {}, resume=False)
    assert "--resume" in refused.value.fix
    with pytest.raises(ConfigError, match="one of the two|resume goes on"):
        SignalStore.open(tmp_path / "out", ASKED, {}, resume=True, overwrite=True)
    measured(tmp_path / "out", overwrite=True)
    assert not (tmp_path / "out" / "mine").exists()


def test_what_a_kill_left_of_a_first_batch_is_no_obstacle(tmp_path):
    store = SignalStore.open(tmp_path / "out", ASKED, {}, resume=False)
    store.write_part(0, part(0))
    (tmp_path / "out" / "parts" / "000000.npz").rename(tmp_path / "out" / "parts" / ".tmp-1.npz")
    other = ASKED | {"settings": {"batches": 3, "seed": 9}}
    assert SignalStore.open(tmp_path / "out", other, {}, resume=False).manifest["settings"]["seed"] == 9


def test_another_kind_of_folder_is_named(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "hicra.json").write_text(json.dumps({"kind": "hicra.run", "schema_version": 1}))
    with pytest.raises(ArtifactError, match=r"'hicra\.run', not 'hicra\.signal'"):
        SignalStore.open(out, ASKED, {}, resume=True)
