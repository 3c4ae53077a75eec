"""What is said of a measured signal: only what its intervals tell, and how much more it would take."""

import doctest

import pytest

from hicra.findings import measured_signal
from hicra.findings.measured_signal import (
    chance_sentence,
    compared,
    gradient_told,
    kind_sentence,
    labels_note,
    notes,
    step_sentences,
    untold,
)


def found(ci=(0.6, 0.9), none=(0.2, 0.4), **methods):
    made = {"none": {"cosine_ci": none, "difference_ci": [0.0, 0.0]}}
    made |= {name: {"difference_ci": ends, "batches_needed": needed} for name, (ends, needed) in methods.items()}
    planning = {"share": 0.8, "ci": ci, "batches_needed": None}
    execution = {"share": 0.2, "ci": ci and [1 - ci[1], 1 - ci[0]], "batches_needed": None}
    kinds = {"planning": planning, "execution": execution}
    return {"kinds": kinds, "methods": made, "batches": 4, "rollouts": 1024, "warnings": []}


UNTOLD = ([-0.1, 0.2], 40)
BETTER, WORSE = ([0.1, 0.2], None), ([-2.0, -1.0], None)


def test_doctests():
    assert doctest.testmod(measured_signal).attempted > 0
    assert doctest.testmod(measured_signal).failed == 0


def test_methods_are_named_by_what_their_intervals_tell():
    one = found(d=BETTER, a=UNTOLD, b=BETTER, c=WORSE, e=([-1.0, 1.0], 3000), f=(None, None))
    better, worse = step_sentences(one)
    assert better == "b and d take a better step than none."
    assert worse == "c takes a worse step than none."
    assert compared(one) == 6
    assert chance_sentence(6).startswith("6 methods were compared with none at once")
    head, names = untold(one)
    assert head.startswith(
        "3 methods cannot be told from none with these batches; how many batches of 256 rollouts would do"
    )
    assert "rough guess" in head
    assert names == ["a: about 40 batches", "e: more than 1000 batches", "f"]


def test_one_method_is_not_many_and_none_is_no_sentence():
    assert step_sentences(found(b=BETTER)) == ["b takes a better step than none."]
    assert (compared(found(b=BETTER)), chance_sentence(1), chance_sentence(0)) == (1, "", "")
    assert untold(found(b=BETTER)) == ("", [])
    assert untold(found(f=(None, None))) == ("1 method cannot be told from none with these batches:", ["f"])
    assert step_sentences(found()) == []


@pytest.mark.parametrize(("ci", "none", "told"), [
    ((0.6, 0.9), (0.2, 0.4), True),
    ((-0.1, 0.1), (0.2, 0.4), True),  # all signal is on execution tokens
    ((0.2, 1.4), (0.2, 0.4), True),
    ((-0.79, 2.93), (0.2, 0.4), False),  # neither kind has a signal for sure
    (None, (0.2, 0.4), False),
    ((0.6, 0.9), (0.0, 0.4), False),
    ((0.6, 0.9), None, False),
])  # fmt: skip
def test_no_step_is_better_where_the_gradient_itself_is_noise(ci, none, told):
    one = found(ci, none, b=BETTER, c=WORSE, a=UNTOLD)
    assert gradient_told(one) is told
    said = " ".join(step_sentences(one))
    assert ("takes a better step" in said) is told
    assert ("cannot be told from noise with these batches" in said) is not told
    assert bool(untold(one)[1]) is told


def test_a_guess_of_batches_has_their_size():
    one = found((0.4, 1.2))
    one["kinds"]["planning"]["batches_needed"] = 2000
    assert kind_sentence(one).endswith(
        "is 80 % (40 to 120 %); more than 1000 batches of 256 rollouts would do, a rough guess that takes this share for the "
        "true one."
    )
    one["rollouts"] = None
    assert "more than 1000 batches would do" in kind_sentence(one)


def test_notes_say_what_no_sentence_says():
    one = found() | {
        "warnings": ["whether a step of a is better cannot be told: 1", "the gradient of x is 0 in 1 of 3 batches"]
    }
    assert notes(one) == ["the gradient of x is 0 in 1 of 3 batches"]
    one["methods"]["none"]["cosine_ci"] = [0.9, 1.1]
    one["settings"] = {"project": 512}
    # sqrt(2 / 512) = 1/16 = 6.25 %
    assert [text[:45] for text in notes(one)[1:]] == [
        "an interval of a cosine reaches beyond -1 or ", "a projection to 512 numbers may move each sig",
    ]  # fmt: skip
    assert "by about 6 %, sqrt(2/512)" in notes(one)[2]
    one["settings"], one["methods"]["none"]["cosine_ci"] = {"project": 1000}, [-1.0, 1.0 + 1e-9]
    assert len(notes(one)) == 1
    one["settings"] = {"project": 0}
    assert len(notes(one)) == 1


def test_labels_are_said_to_be_shares_of_the_same_sum():
    one = found()
    assert labels_note(one) == ""
    one["kinds"]["label:x"] = {}
    assert labels_note(one).endswith("need not add up to 100 %.")
    one["kinds"] |= {"label:plan": {}, "label:reflect": {}}
    assert labels_note(one).endswith("planning is plan and reflect together.")
