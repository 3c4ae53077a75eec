"""The command line: its table of verbs is what the verbs say of themselves, and settings stand in one place."""

import importlib
import json

import pytest

from hicra import cli
from hicra.cli.options import given, options
from hicra.evaluate.settings import EvalSettings
from hicra.labels.settings import FitSettings
from hicra.mining.settings import MineSettings
from hicra.runs.sections import RunConfig
from hicra.strict import fields_of


@pytest.mark.parametrize("verb", cli.VERBS)
def test_help_says_what_the_verb_says_of_itself(verb):
    group, _, name = verb.rpartition(" ")
    word = "evaluate" if name == "eval" else name
    function = getattr(importlib.import_module(f"hicra.cli.{group or word}"), word)
    assert function.__doc__.splitlines()[0] == cli.VERBS[verb]


@pytest.mark.parametrize("verb", cli.VERBS)
def test_every_argument_says_what_it_is(verb, capsys):
    top = cli.app()
    for word in verb.split():
        top = top[word]
    for found in top.assemble_argument_collection():
        assert not found.show or found.parameter.help, found.names
    with pytest.raises(SystemExit) as stop:
        cli.main([*verb.split(), "--help"])
    assert stop.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    for empty in ("default: ]", "default: ()", "default: False", "choices: ,", 'default: ""'):
        assert empty not in shown
    assert ("[default: 0.0]" in shown) == (verb == "corpus overlap")  # a number is no empty default


@pytest.mark.parametrize("settings", [RunConfig, MineSettings, EvalSettings, FitSettings])
def test_every_setting_says_what_it_means(settings):
    for key, found in fields_of(settings):
        assert found.description, key
        assert found.description[0].isupper(), key
        assert found.description.endswith("."), key


def test_options_are_the_fields_of_the_class():
    made = options(MineSettings, but=("seed",), k="Text.")
    assert set(made.__dataclass_fields__) == set(MineSettings.model_fields) - {"seed"}
    assert given(made()) == {}
    assert given(made(n_min=2, closed=False)) == {"n_min": 2, "closed": False}


def test_keys_lists_the_whole_config(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["train", "--keys", "--json"])
    assert stop.value.code == 0
    keys = {row["key"]: row for row in json.loads(capsys.readouterr().out)["keys"]}
    assert set(keys) == {key for key, _ in fields_of(RunConfig)}
    assert keys["train.group_size"] == {
        "key": "train.group_size",
        "default": 8,
        "meaning": keys["train.group_size"]["meaning"],
    }
    assert keys["method.name"]["default"] == "hicra"


def test_train_without_a_folder_is_a_usage_error(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["train"])
    assert stop.value.code == 2
    assert "-o" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "says", "fix"),
    [
        ("doctor slime", "hicra doctor has no place for 'slime'", "hicra doctor --help"),
        ("doctor --rolouts x", "--rolouts. Did you mean --rollouts?", "hicra doctor --help"),
        ("lexicon show paper paper-n3", "hicra lexicon show has no place for 'paper-n3'", "hicra lexicon show --help"),
        ("lexicon shaw paper", 'Did you mean "show"?', "hicra lexicon --help"),
        ("docter", 'Did you mean "doctor"?', "hicra --help"),
    ],
)
def test_a_wrong_command_line_names_the_help_that_shows_the_right_one(words, says, fix, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(words.split())
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert says in said
    assert f"\n  fix: {fix}\n" in said
