"""A message names the key that its reader wrote: of a config of `hicra train`, of a script, of the config of a library."""

import doctest

import pytest

from hicra import credit
from hicra.credit import assign, keys
from hicra.credit.keys import FlatKeys
from hicra.engines.chosen import Choice
from hicra.engines.verl.section import Section
from hicra.errors import ConfigError

SCRIPT, VERL, SLIME = FlatKeys(loss="policy_loss"), FlatKeys("hicra.", "loss"), FlatKeys("hicra.")


@pytest.mark.parametrize(
    ("given", "in_a_config", "in_a_script", "in_verl"),
    [
        (
            {"method": {"name": "hikra"}},
            "method.name: no method 'hikra'", "method: no method 'hikra'", "hicra.method: no method 'hikra'",
        ),
        (
            {"method": {"name": "hicra", "settings": {"alfa": 1}}},
            "method.settings.alfa: hicra has", "method_settings.alfa: hicra has", "hicra.method_settings.alfa: hicra has",
        ),
        (
            {"then": [{"name": "placebo"}, {"name": 3}]},
            "method.then[1].name is 3", "method_then[1].name is 3", "hicra.method_then[1].name is 3",
        ),
        (
            {"then": [{"name": "placebo", "settings": {"seed": "x"}}]},
            "method.then[0].settings.seed: ", "method_then[0].settings.seed: ", "hicra.method_then[0].settings.seed: ",
        ),
        (
            {"baseline": {"name": "gropo"}},
            "baseline.name: no baseline", "baseline: no baseline", "hicra.baseline: no baseline",
        ),
        (
            {"loss": {"name": "clip", "settings": {"clip_lo": 1}}},
            "loss.settings.clip_lo: clip has", "policy_loss_settings.clip_lo: clip has", "hicra.loss_settings.clip_lo: clip has",
        ),
        ({"loss": {"name": "a:"}}, "loss.name: 'a:' lacks", "policy_loss: 'a:' lacks", "hicra.loss: 'a:' lacks"),
    ],
)  # fmt: skip
def test_a_message_begins_with_the_key_that_was_written(given, in_a_config, in_a_script, in_verl):
    for called, says in (({}, in_a_config), ({"keys": SCRIPT}, in_a_script), ({"keys": VERL}, in_verl)):
        with pytest.raises(ConfigError) as refused:
            assign(**{"method": {"name": "hicra"}} | given, **called)
        assert refused.value.message.startswith(says)


@pytest.mark.parametrize(
    ("part", "name", "says"),
    [
        ("method", "rloo", ("--set baseline.name=rloo", "name it as baseline;", "name it as hicra.baseline;")),
        ("method", "cispo", ("--set loss.name=cispo", "name it as policy_loss;", "no loss can be named here;")),
        ("baseline", "placebo", ("--method placebo", "name it as method;", "name it as hicra.method;")),
        ("baseline", "dapo", ("--set preset=dapo", "`hicra methods dapo` lists", "`hicra methods dapo` lists")),
    ],
)
def test_a_name_of_another_table_is_given_as_it_can_be_given_there(part, name, says):
    for called, told in zip(({}, {"keys": SCRIPT}, {"keys": SLIME}), says, strict=True):
        with pytest.raises(ConfigError) as refused:
            assign(**{"method": {"name": "hicra"}} | {part: {"name": name}}, **called)
        assert told in refused.value.fix
        assert ("--" in refused.value.fix) == (not called)


@pytest.mark.parametrize(
    ("kind", "given", "section", "says"),
    [
        (Choice, {"method": "hikra"}, "hicra", "hicra.method: no"), (Choice, {"method": "hikra"}, "", "method: no"),
        (Choice, {"baseline_settings": {"a": 1}}, "hicra", "hicra.baseline_settings is given and hicra.baseline is not"),
        (Choice, {"method_then": [{}]}, "", "method_then has a shaper without a name"),
        (Section, {"loss": "clop"}, "hicra", "hicra.loss: no loss"),
        (Section, {"loss_settings": {"a": 1}}, "hicra", "hicra.loss_settings is given and hicra.loss is not"),
    ],
)  # fmt: skip
def test_what_an_engine_is_told_is_named_by_its_own_keys(kind, given, section, says):
    with pytest.raises(ConfigError) as refused:
        kind.read(given, section).assignment()
    assert refused.value.message.startswith(says)


def test_the_examples_of_the_module_hold():
    assert doctest.testmod(keys).failed == 0


def test_what_is_needed_is_put_together_once():
    found = credit.assign({"name": "entropy_advantage"}, baseline={"name": "gigpo"})
    assert {"response_mask", "group_ids", "entropies", "state_ids"} <= set(found.needs)
    assert found.needs is found.needs
