"""`hicra methods`: the list, one entry whole, and one of a researcher's own."""

import json
import re
from pathlib import Path

import pytest

from hicra import cli
from hicra.cli.show_method import page_of
from hicra.credit import BASELINES, LOSSES, METHODS, PRESETS, Baseline
from hicra.credit.own import find
from hicra.errors import ConfigError

ROOT = Path(__file__).parents[3]
ENTRIES = [*BASELINES.values(), *METHODS.values(), *LOSSES.values(), *PRESETS.values()]
OWN = '''
from hicra.credit import Baseline, Loss

def decay(advantages, batch, *, gamma: float = 0.95):
    """Fades A."""
    return advantages * gamma

def raw(rewards, group_ids, batch=None):
    return rewards

def plain(logps, old_logps, advantages, mask, batch):
    return -logps * advantages

def odd(advantages):
    return advantages

ENTRY = Loss("plain_loss", plain, "no paper", needs=("entropies",))
'''


def asked(capsys, *words):
    """Exit code, stdout and stderr of `hicra methods`."""
    with pytest.raises(SystemExit) as stop:
        cli.main(["methods", *words])
    out = capsys.readouterr()
    return stop.value.code, out.out, out.err


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The name of a module of one's own in the working folder."""
    (tmp_path / "parts_for_the_verb.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    return "parts_for_the_verb"


def test_the_list_has_needs_and_settings_and_fits_a_screen(capsys):
    code, text, _ = asked(capsys)
    assert code == 0
    assert max(map(len, text.splitlines())) <= 120
    found = dict.fromkeys(re.findall(r"^  (\w+) ", text, re.MULTILINE))
    assert list(found) == [entry.name for entry in ENTRIES]
    assert "needs state_ids; settings: omega=1.0, gamma=0.95, scale=none" in text
    assert "settings: clip_high=4.0, mean=tokens\n" in text


def test_a_shaper_whole(capsys):
    code, text, err = asked(capsys, "hicra")
    assert code == 0
    for line in (
        "page:     docs/methods/hicra.md#hicra",
        "needs:    advantages; of the batch: response_mask, planning_mask",
        "looks at: one rollout at a time",
        "changes:  planning tokens alone",
        "signs:    keeps each sign",
        "selects:  no",
        "whitens:  no",
        "  alpha = 0.2   at least 0, less than 1; 0 turns it off",
        "    alpha: in [0, 1); 0 returns the advantages bit for bit. The paper uses 0.2.",
    ):
        assert f"{line}\n" in text
    assert "next: hicra train --config recipes/plan-execute/config.yaml --method hicra -o RUN" in err


def test_what_no_engine_can_train_is_not_said_to_be_trained(capsys):
    code, _, err = asked(capsys, "preplan_anchor")
    assert code == 0
    assert "next: python recipes/attention/look.py\n" in err


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (
            "cispo",
            "needs:    log-probabilities under the model now and when it sampled, advantages and the mask of policy",
        ),
        ("entropy_regularised", "of the batch: entropies"),
        ("cispo", "mean = tokens   tokens: over all tokens of the batch; responses: over those of each response"),
        ("cispo", "signs:    one formula for both signs"),
        ("sapo", "signs:    treats tokens by the sign of their advantage"),
        ("whiten", "whitens:  yes"),
        ("hicra_recentred", "signs:    may turn the sign of an advantage"),
        ("forking_tokens", "selects:  yes"),
        ("forking_tokens", "looks at: the whole batch"),
        ("forking_tokens", "normalise = all   one of all, selected"),
        ("gigpo", "gamma = 0.95   more than 0, at most 1"),
        ("rloo", "needs:    rewards and groups\n"),
        (
            "dapo",
            "keys of the config that it fills in, where the config itself says nothing:\n  baseline.name = grpo\n",
        ),
    ],
)
def test_what_one_whole_says(name, says, capsys):
    code, text, _ = asked(capsys, name)
    assert code == 0
    assert says in re.sub(r"\n {6,}", " ", text)  # lines that were wrapped


@pytest.mark.parametrize("name", PRESETS)
def test_the_next_command_of_a_preset_names_no_part_that_goes_before_it(name, capsys):
    err = asked(capsys, name)[2]
    assert f"next: hicra train --set preset={name} --set task.name=" in err
    assert "--config" not in err
    assert ("calculator" in err) == (name == "grpo_tcr")  # it pays for calls of a tool


def test_a_baseline_of_states_is_tried_on_tools(capsys):
    assert "recipes/grpo-tcr/config.yaml --set baseline.name=gigpo" in asked(capsys, "gigpo")[2]


@pytest.mark.parametrize("name", ["carl", "vineppo", "spo_chain", "spo_tree", "himac", "hiper"])
def test_a_baseline_that_needs_a_system_is_tried_with_it(name, capsys):
    err = asked(capsys, name)[2]
    assert f"--config recipes/carl-chain/config.yaml --set system.name={name} --set system.settings={{}} -o RUN" in err


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_every_page_has_its_section(entry):
    page, _, heading = page_of(entry).partition("#")
    text = (ROOT / page).read_text(encoding="utf-8")
    assert f"\n## `{heading}`\n" in text or f"\n## {heading.capitalize()}\n" in text


@pytest.mark.parametrize(
    ("attribute", "kind", "command"),
    [
        ("decay", "shaper", "--method {}"),
        ("raw", "baseline", "--set baseline.name={}"),
        ("plain", "loss", "--set loss.name={}"),
        ("ENTRY", "loss", "--set loss.name={}"),
    ],
)
def test_an_own_entry_is_shown_as_what_it_is(attribute, kind, command, own, capsys):
    name = f"{own}:{attribute}"
    code, text, err = asked(capsys, name)
    assert code == 0
    assert text.splitlines()[0].endswith(f", a {kind}")
    assert "page:     docs/how-to/own-method.md" in text
    assert f"next: hicra train --config FILE {command.format(name)} -o RUN" in err
    assert json.loads(asked(capsys, name, "--json")[1])["methods"][0]["kind"] == kind


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("{}:odd", 2, r"odd is no part of credit\n  as a shaper: .*\n  as a baseline: .*\n  as a loss: "),
        ("{}:decoy", 1, r"has no 'decoy'[\s\S]*did you mean 'decay'"),
        ("no_such_module_here:f", 1, "there is no module 'no_such_module_here'"),
        ("hikra", 2, r"no method 'hikra'[\s\S]*did you mean 'hicra'"),
    ],
)
def test_what_is_not_there(name, code, says, own, capsys):
    found, _, err = asked(capsys, name.format(own))
    assert found == code
    assert re.search(says, err)


@pytest.mark.parametrize(
    ("kind", "name", "fix"),
    [
        (type(METHODS["hicra"]), "rloo", "rloo is a baseline: --set baseline.name=rloo"),
        (type(METHODS["hicra"]), "dapo", "dapo is a preset: --set preset=dapo"),
        (Baseline, "cispo", "cispo is a loss: --set loss.name=cispo"),
        (type(LOSSES["clip"]), "hicra", "hicra is a method: --method hicra"),
    ],
)
def test_a_name_of_another_table_says_how_to_name_it(kind, name, fix):
    with pytest.raises(ConfigError) as refused:
        find(kind, name, "KEY")
    assert refused.value.fix == f"{fix}; one of your own is module:function"
