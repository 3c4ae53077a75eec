"""What `hicra doctor` finds: versions, engines, a machine, a tokenizer and a lexicon, each sound and each broken."""

import importlib
import json
import subprocess
import sys

import numpy as np
import pytest
from tokenizers import AddedToken, Tokenizer, decoders

from hicra import Lexicon, cli, install
from hicra.doctor import alignment, coverage, engines, examine, machine, packages, requirements
from hicra.doctor.fault import Fault
from hicra.doctor.requirements import Requirement, fits
from tokenizers_made import FAMILIES, byte_level, wordpiece


# ---- versions
@pytest.mark.parametrize(
    ("version", "versions", "fit"),
    [
        ("2.0", ">=2.0,<3", True), ("2", ">=2.0,<3", True), ("3.0.0", ">=2.0,<3", False), ("1.9.9", ">=2.0,<3", False),
        ("2.13.0+cpu", ">=2.10", True), ("2.9", ">=2.10", False), ("1.15.3", ">=1.8,!=1.15.*,<1.17", False),
        ("1.16.0", ">=1.8,!=1.15.*,<1.17", True), ("0.1.25", "==0.1.25", True), ("0.1.25.1", "==0.1.25", False),
        ("0.9.5", "==0.9.*", True), ("1.4.9", "~=1.4.2", True), ("1.5", "~=1.4.2", False), ("2.0", ">2.0", False),
        ("2.0rc1", "<=2.0", True), ("7.1", "", True), ("2.10.0a0+nv25.11", ">=2.10", True), ("1!1.0", "<2", False),
        ("1.0.post1", "==1.0", True), ("built by hand", ">=1.0", False),
    ],
)  # fmt: skip
def test_versions_fit(version, versions, fit):
    assert fits(version, versions) is fit


LINES = ["numpy<3,>=2.0", "torch>=2.10; extra == 'train'", "trl!=1.15.*,<1.17,>=1.8; extra == 'train'",
         "ray[data]<3,>=2.60; extra == 'ray'", 'pytest<10,>=9; extra == "dev"']  # fmt: skip


@pytest.fixture
def metadata_is(monkeypatch):
    def of(lines, versions):
        monkeypatch.setattr(requirements.importlib.metadata, "requires", lambda name: lines)
        for module in (packages, machine, engines):
            monkeypatch.setattr(module, "installed", versions.get)

    return of


def test_requirements_are_read_from_the_package_itself(metadata_is):
    metadata_is(LINES, {})
    assert requirements.requirements() == [
        Requirement("numpy", ">=2.0,<3", ""), Requirement("torch", ">=2.10", "train"),
        Requirement("trl", ">=1.8,!=1.15.*,<1.17", "train"), Requirement("ray", ">=2.60,<3", "ray"),
        Requirement("pytest", ">=9,<10", "dev"),
    ]  # fmt: skip
    assert requirements.requirements()[0].command == "pip install 'numpy>=2.0,<3'"
    assert packages.tested()["ray"] == ">=2.60,<3"
    assert packages.tested()["trl"] == ">=1.8,!=1.15.*,<1.17"
    assert "torch" not in packages.tested()  # beside verl it is another one
    metadata_is(LINES, {"trl": "1.16.0"})
    assert packages.tested()["torch"] == ">=2.10"


def test_what_is_asked_for_on_another_python_or_system_is_left_out(metadata_is):
    metadata_is(["numpy>=2; python_version >= '3.11'", "tomli>=1; python_version < '3.11'",
                 "trl>=1.8; sys_platform == 'amiga' and extra == 'train'", "trl>=1.9; extra == 'train'"], {})  # fmt: skip
    assert requirements.requirements() == [Requirement("numpy", ">=2", ""), Requirement("trl", ">=1.9", "train")]


def test_those_of_this_installation_fit():
    problems, _ = packages.examine_packages()
    assert problems == []
    assert {"numpy", "polars", "tokenizers"} <= set(packages.tested())
    assert all(packages.versions()[name] for name in ("python", "hicra", "numpy"))


def test_a_package_that_is_missing_or_too_new_is_a_problem_with_its_command(metadata_is):
    metadata_is(LINES, {"numpy": "3.1", "torch": "2.1", "ray": "2.1", "pytest": "1.0"})
    problems, notes = packages.examine_packages()
    assert problems == [
        Fault("numpy 3.1 is installed, and hicra is tested with numpy >=2.0,<3", "pip install 'numpy>=2.0,<3'")
    ]
    assert [note for note in notes if "ray 2.1" in note]
    assert not [note for note in notes if "torch" in note or "pytest" in note]  # no TRL, so torch is for something else
    metadata_is(LINES, {"torch": "2.1", "trl": "1.16.0"})
    problems, _ = packages.examine_packages()
    assert [one.what for one in problems] == [
        "package numpy is missing", "torch 2.1 is installed, and hicra is tested with torch >=2.10",
    ]  # fmt: skip


def test_without_metadata_nothing_is_compared(monkeypatch):
    def absent(name):
        raise requirements.importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(requirements.importlib.metadata, "requires", absent)
    problems, notes = packages.examine_packages()
    assert problems == []
    assert "not installed, so the versions of packages are not compared" in notes[-1]


# ---- engines
@pytest.fixture
def verl_is(monkeypatch):
    """Lets verl be installed, in some version, and its adapter print something, as in a process of its own."""

    def of(version, printed="", adapter=True, trl=None):
        for module in (engines, install):
            monkeypatch.setattr(module, "installed", {"verl": version, "trl": trl}.get)
        monkeypatch.setattr(install, "_origin", dict)
        monkeypatch.setattr(engines, "_trl", lambda: ({"version": trl, "note": ""}, []))
        monkeypatch.setattr(
            engines.importlib.util, "find_spec", lambda name: (adapter and name == engines.VERL) or None
        )
        monkeypatch.setattr(engines, "ASK_VERL", printed)

    return of


def test_without_an_adapter_or_without_verl_it_says_why(verl_is):
    verl_is(None, adapter=False)
    assert "no adapter" in engines.examine_engines()[0]["verl"]["note"]
    verl_is(None)
    entries, registered, problems = engines.examine_engines()
    assert (registered, problems) == (False, [])
    assert entries["verl"]["note"] == "not installed: pip install 'hicra[verl]'"
    verl_is(None, trl="1.16.0")
    entries, registered, problems = engines.examine_engines(want_verl=True)
    assert "trl and verl cannot share an environment" in entries["verl"]["note"]
    assert not registered
    assert problems[0].fix == "python3 -m venv .venv-verl && .venv-verl/bin/pip install 'hicra[verl]'"


def test_beside_verl_no_extra_is_proposed_that_would_break_it(monkeypatch):
    for module in (engines, install):
        monkeypatch.setattr(module, "installed", {"verl": "0.9.1"}.get)
    monkeypatch.setattr(install, "_origin", dict)
    entry, problems = engines._trl()
    own = "python3 -m venv .venv-train && .venv-train/bin/pip install 'hicra[train]'"
    assert (entry["note"], problems) == (f"not installed: {own}; {engines.APART}", [])
    for module in (engines, install, engines.trl_versions):
        monkeypatch.setattr(module, "installed", {"verl": "0.9.1", "trl": "1.7.0"}.get)
    assert [one.fix for one in engines._trl()[1]] == [own]


def test_a_registered_plug_in_is_asked_for_in_a_process_of_its_own(verl_is):
    verl_is("0.9.1", "print('a line of verl'); print('[]'); print('{}'); print('a line at its end')")
    entries, registered, problems = engines.examine_engines()
    assert (registered, problems) == (True, [])
    assert "hicra_sync" in entries["verl"]["note"]


def test_a_plug_in_that_verl_swallowed_is_found(verl_is):
    said = [{"what": "the plug-in cannot be imported: ImportError: x", "fix": "pip install x"}]
    verl_is("0.9.1", f"print({json.dumps(said)!r})")
    entries, registered, problems = engines.examine_engines()
    assert not registered
    assert problems == [Fault(**said[0])]
    assert "not registered" in entries["verl"]["note"]


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("raise ImportError('no ray')", "ImportError: no ray"), ("", "it printed nothing"),
        ("print('0'); print('{}')", "it printed nothing"),
        ("import os; os.kill(os.getpid(), 9)", "it was ended by SIGKILL"),
    ],
)  # fmt: skip
def test_a_process_that_fails_is_a_problem(verl_is, code, says):
    verl_is("0.9.1", code)
    _, registered, problems = engines.examine_engines()
    assert not registered
    assert says in problems[0].what


def test_engines_without_a_package_are_known_by_their_folders(tmp_path, monkeypatch, quick):
    for name in ("slime", "rllm"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('it must not be imported')")
    (tmp_path / "slime" / "backends" / "megatron_utils").mkdir(parents=True)
    monkeypatch.syspath_prepend(tmp_path)
    entries, _, _ = engines.examine_engines()
    assert "--custom-advantage-function-path hicra.engines.slime.shape" in entries["slime"]["note"]
    assert "docs/engines/rllm.md" in entries["rllm"]["note"]  # another package of that name
    assert "docs/engines/skyrl.md" in entries["skyrl"]["note"]


# ---- the machine
def test_features_of_the_cpu_are_read_where_the_system_says_them(tmp_path, monkeypatch):
    file = tmp_path / "cpuinfo"
    monkeypatch.setattr(machine, "CPUINFO", file)
    assert machine.machine()["avx2"] is None
    file.write_text("processor : 0\nflags\t\t: fpu avx avx2 sse\n")
    found = machine.machine()
    assert (found["avx2"], found["avx512"], found["bf16"]) == (True, False, False)
    file.write_text("processor : 0\nflags : avx2 avx512f avx512_bf16\n")
    assert [machine.machine()[name] for name in machine.FEATURES] == [True, True, True]
    assert found["usable_cores"] >= 1


def test_notes_on_a_machine():
    bare = {"gpu": None, "gpu_of_torch": None, "threads": None, "usable_cores": 8, "bf16": False}
    assert [note.split()[0] for note in machine.notes_on(bare)] == ["OMP_NUM_THREADS", "this"]
    assert machine.notes_on(bare | {"threads": "1", "bf16": True}) == []
    assert machine.notes_on(bare | {"gpu": "H100", "gpu_of_torch": "H100"}) == []


def test_a_gpu_that_torch_does_not_see_is_said(monkeypatch):
    monkeypatch.setattr(machine, "installed", lambda name: "2.13.0+cpu")
    seen = {"gpu": "H100", "gpu_of_torch": None, "threads": "1", "usable_cores": 8, "bf16": True}
    assert machine.notes_on(seen) == [
        "torch 2.13.0+cpu does not see the GPU (H100): install a build of torch for its driver"
    ]


@pytest.mark.parametrize(
    "error", [OSError("libcudart.so.12: cannot open shared object file"), RuntimeError("no driver")]
)
def test_a_torch_that_does_not_work_is_no_end(monkeypatch, error):
    def broken(name):
        raise error

    monkeypatch.setattr(machine, "installed", lambda name: "2.13.0")
    monkeypatch.setattr(machine.importlib, "import_module", broken)
    assert machine.machine()["gpu_of_torch"] is None


# ---- a tokenizer
def saved(tokenizer, folder, **config):
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return str(folder)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_sound_tokenizer_is_aligned(family, tmp_path):
    folder = saved(FAMILIES[family](), tmp_path, chat_template="{{ messages }}")
    found, problems, notes = alignment.examine_tokenizer(folder)
    assert (problems, found["rows"], found["differ"]) == ([], alignment.ROWS, 0)
    assert found["tokens"] > alignment.ROWS
    assert len(notes) == (family == "wordpiece")


def test_without_a_chat_template_it_says_what_happens(tmp_path):
    _, problems, notes = alignment.examine_tokenizer(saved(byte_level(), tmp_path))
    assert problems == []
    assert "has no chat template" in notes[0]
    (tmp_path / "chat_template.jinja").write_text("{{ messages }}")
    assert alignment.examine_tokenizer(str(tmp_path))[2] == []


def test_a_decoder_that_shows_other_text_is_found(tmp_path):
    tokenizer = byte_level()
    tokenizer.decoder = decoders.Sequence([decoders.ByteLevel(), decoders.Replace("e", "E")])
    found, problems, _ = alignment.examine_tokenizer(saved(tokenizer, tmp_path))
    assert found["differ"] > alignment.ROWS // 2
    assert "is not what" in problems[0].what
    assert "without --tokenizer" in problems[0].fix


def test_a_text_that_ends_elsewhere_is_found():
    """The whole row is right and a token's end is not, as with a table that gives a token the bytes of its neighbour."""

    class Shifted:
        def texts(self, ids, live):
            return [("so it", [1, 5])]

    decode = {(1, 2): "so it", (1,): "so"}
    ids = np.array([1, 2])
    assert "the first 1 of ids" in alignment._difference(ids, 1, Shifted(), lambda row: decode[tuple(row)], str)
    decode[1,] = "s"
    assert alignment._difference(ids, 1, Shifted(), lambda row: decode[tuple(row)], str) == ""


def test_a_tokenizer_without_a_token_is_a_problem(tmp_path):
    empty = {"version": "1.0", "added_tokens": [], "model": {"type": "WordLevel", "vocab": {}, "unk_token": "?"}}
    (tmp_path / "tokenizer.json").write_text(json.dumps(empty))
    found, problems, _ = alignment.examine_tokenizer(str(tmp_path))
    assert found["rows"] == 0
    assert "holds no token that stands for a text" in problems[0].what


def test_tokens_in_the_vocabulary_that_are_special_are_in_no_row(tmp_path):
    tokenizer = Tokenizer.from_str(byte_level().to_str())
    tokenizer.add_special_tokens([AddedToken(f"<|{number}|>", special=True) for number in range(300)])
    _, problems, _ = alignment.examine_tokenizer(saved(tokenizer, tmp_path))
    assert problems == []


# ---- a lexicon on rollouts
def rows(folder, texts, **more):
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps({"response": text, **more}) + "\n" for text in texts))
    return path


def test_coverage_counts_the_first_rows(tmp_path, monkeypatch):
    """By words: "let me check" is 3 of the 4 words of row 1, none of the 2 words of row 2: 3/6; row 3 is past the sample."""
    monkeypatch.setattr(coverage, "MOST_ROWS", 2)
    lexicon = Lexicon.from_phrases(["let me check", "xyzzy"])
    path = rows(tmp_path, ["let me check it", "it is", "xyzzy xyzzy"])
    found, problems, _ = coverage.examine_lexicon(path, lexicon, None)
    assert problems == []
    assert (found["rows"], found["tokens"], found["planning_share"], found["rows_with_a_span"]) == (2, 6, 0.5, 1)
    assert (found["grams"], found["grams_found"], found["most_frequent"]) == (2, 1, ["let me check"])


def test_coverage_counts_tokens_with_a_tokenizer(tmp_path):
    folder = saved(byte_level(), tmp_path)
    found, _, _ = coverage.examine_lexicon(rows(tmp_path, ["so it is"]), Lexicon.from_phrases(["so"]), folder)
    assert found["tokens"] == len(byte_level().encode("so it is").ids)


def test_a_lexicon_that_finds_nothing_or_too_much_is_a_problem(tmp_path):
    path = rows(tmp_path, ["so it is", "\u4f60\u597d" * 9])
    _, problems, _ = coverage.examine_lexicon(path, Lexicon.from_phrases(["xyzzy"]), None)
    assert "matches nothing in 2 rows" in problems[0].what
    assert problems[0].fix == f"hicra mine {path} -o LEXICON"
    _, problems, _ = coverage.examine_lexicon(rows(tmp_path, ["so so so"]), Lexicon.from_phrases(["so"]), None)
    assert "marks 100% of the words of 1 row, more than half" in problems[0].what


def test_token_ids_of_another_tokenizer_are_a_problem(tmp_path):
    folder = saved(byte_level(), tmp_path)
    path = rows(tmp_path, ["so it is"], token_ids=byte_level().encode("it is two").ids)
    found, problems, _ = coverage.examine_lexicon(path, Lexicon.from_phrases(["so"]), folder)
    assert (found["rows_with_a_span"], found["planning_share"]) == (1, 0.0)
    assert f"token_ids of another tokenizer than {folder}" in problems[0].what
    assert "the model that wrote these rollouts" in problems[0].fix


def test_a_bad_line_of_the_rollouts_is_a_problem_whose_command_lists_them_all(tmp_path, quick):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"response": "so"}\n{"response": 3}\n')
    [problem] = examine(rollouts=path)["problems"]
    assert "rows.jsonl line 2" in problem["what"]
    assert problem["fix"] == f"hicra corpus inspect {path} --on-bad skip"  # doctor itself skips nothing


def test_a_file_without_text_is_a_problem(tmp_path):
    path = tmp_path / "ids.jsonl"
    path.write_text('{"token_ids": [1, 2], "response": null}\n')
    result = examine(rollouts=path)
    assert [one for one in result["problems"] if "ids.jsonl" in one["what"]]


# ---- all of it
@pytest.fixture
def quick(monkeypatch):
    """Leaves out what takes long to import."""
    monkeypatch.setattr(engines, "_trl", lambda: ({"version": "1.16.0", "note": "ready"}, []))


def test_a_lexicon_without_rollouts_is_not_passed_over_in_silence(quick):
    result = examine(lexicon="paper-n3")
    [note] = [one for one in result["notes"] if "lexicon" in one]
    assert note == (
        f"lexicon paper-n3 can be read ({len(Lexicon.load('paper-n3'))} grams); what it marks is only seen on rollouts: add "
        "--rollouts PATH"
    )
    assert result["problems"] == []
    assert not [one for one in examine()["notes"] if "lexicon" in one]


def test_what_is_wrong_with_an_argument_is_a_problem_and_not_the_end(tmp_path, quick):
    result = examine(tokenizer=str(tmp_path), rollouts=tmp_path / "absent.jsonl")
    said = [one["what"] for one in result["problems"]]
    assert any("no tokenizer at" in one for one in said)
    assert any("absent.jsonl" in one for one in said)
    assert all(one["fix"] for one in result["problems"])


def test_a_lexicon_without_rollouts_is_loaded_all_the_same(quick):
    said = [one["what"] for one in examine(lexicon="papre")["problems"]]
    assert said == ["no lexicon 'papre': it is neither a built-in, nor a folder, nor a file"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--tokenizer", "plan-execute-stron"], "--tokenizer: there is no model and no folder 'plan-execute-stron'"),
        (["--rollouts", "nowhere.jsonl"], "nowhere.jsonl"),
        (["--lexicon", "papre"], "no lexicon 'papre'"),
    ],
)
def test_the_verb_shows_all_else_where_an_argument_is_wrong(words, says, quick, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["doctor", "--json", *words])
    found = json.loads(capsys.readouterr().out)
    assert stop.value.code == 1
    assert [one["what"] for one in found["problems"] if says in one["what"]]
    assert found["versions"]["python"]


def test_what_would_have_no_effect_is_wrong_usage(quick, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["doctor", "--json", "--map", "response=said"])
    assert stop.value.code == 2
    assert "add --rollouts" in json.loads(capsys.readouterr().out)["fix"]


def test_a_tokenizer_with_an_unknown_byte_mapping_is_named(tmp_path, quick):
    spec = json.loads(wordpiece().to_str())
    spec["model"] |= {"type": "Unigram", "vocab": [["so", 0.0]], "unk_id": 0}
    spec["model"] = {key: spec["model"][key] for key in ("type", "vocab", "unk_id")}
    spec["decoder"] = {"type": "Fuse"}
    (tmp_path / "tokenizer.json").write_text(json.dumps(spec))
    result = examine(tokenizer=str(tmp_path))
    assert "is of no known family" in result["problems"][-1]["what"]
    assert "take a byte-level BPE" in result["problems"][-1]["fix"]


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_the_verb_shows_problems_and_ends_with_1(words, tmp_path, quick, capsys):
    path = rows(tmp_path, ["no gram of it"], foreign="x")
    with pytest.raises(SystemExit) as stop:
        cli.main(
            ["doctor", "--tokenizer", "plan-execute-strong", "--rollouts", str(path), "--lexicon", "paper-n3", *words]
        )
    out = capsys.readouterr().out
    assert stop.value.code == 1
    if words:
        found = json.loads(out)
        assert found["tokenizer"]["differ"] == 0
        assert found["coverage"]["grams_found"] == 0
    else:
        assert "200 of 200 random rows are what it decodes" in out
        assert f"fix: hicra mine {path} -o LEXICON" in out


def test_nothing_heavy_is_imported_for_its_help():
    code = "import sys, hicra.cli.doctor; print([name for name in ('numpy', 'polars', 'torch') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_terminal_is_told_what_was_counted_and_that_nothing_is_wrong():
    lines = importlib.import_module("hicra.cli.doctor")._lines
    marked = {"lexicon": "L", "planning_share": 0.5, "tokens": 6, "rows": 2, "grams": 2, "grams_found": 1}
    read = {"family": "byte-level", "vocabulary": 9, "rows": 200, "differ": 0}
    told = {
        "versions": {},
        "tested": {},
        "engines": {},
        "environments": {},
        "machine": {},
        "notes": [],
        "coverage": marked,
    }
    assert lines({**told, "tokenizer": None, "problems": []}) == [
        "lexicon            L: 50.0% of 6 words in 2 rows, 1 of 2 grams found",
        "no problem found",
    ]
    *_, second, last = lines({**told, "tokenizer": read, "problems": [{"what": "W", "fix": "F"}]})
    assert second == "lexicon            L: 50.0% of 6 tokens in 2 rows, 1 of 2 grams found"
    assert last == "problem: W\n  fix: F"
