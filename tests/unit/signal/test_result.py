"""The tables of `hicra signal` for a terminal."""

from hicra.signal.result import text_of

NOUGHT = -0.0004  # rounds to 0 in each column with three decimal places, and in per cent to one: -0.04 %


def test_what_rounds_to_nought_has_no_sign():
    kind = {"signal": 1.0, "noise": 1.0, "snr": 1.0, "share": NOUGHT, "ci": [NOUGHT, 0.1], "batches_needed": None}
    method = {
        "cosine": NOUGHT, "cosine_ci": [NOUGHT, 0.1], "difference": NOUGHT, "difference_ci": [NOUGHT, 0.1],
        "bias_cosine": NOUGHT, "snr": 1.0, "batches_needed": None,
    }  # fmt: skip
    text = text_of({
        "kinds": {"planning": kind, "execution": kind | {"share": 1.0}}, "methods": {"none": method, "hicra": method},
        "batches": 3, "rollouts": 12, "accuracy": 0.5, "mixed_groups": 1, "groups": 2, "seconds": 1.0, "all_tokens": 10,
        "tokens": {"planning": 4, "execution": 6},
    })  # fmt: skip
    assert "-0.0" not in text.replace("-0.0004 to +0.100", "")
    assert "0.0 % to 10.0 %" in text
    assert "0.000 to 0.100" in text
    assert "-0.0004 to +0.100" in text  # the end of an interval says on which side of 0 it lies
