"""`learning_signal` says in a sentence where the signal is, with the share and its interval as its headline."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from hicra.errors import ArtifactError
from hicra.findings import FINDINGS, Evidence
from hicra.findings.learning_signal import learning_signal
from hicra.findings.saved_signal import saved_signal
from signal_fakes import signal_folder, signal_result


def evidence(signal=None):
    return Evidence([], pl.DataFrame(), signal=signal)


def test_it_says_which_kind_holds_the_signal():
    found = learning_signal(evidence(signal_result(0.09, (0.05, 0.16))))
    assert found.text.startswith("9 of 10 parts of the signal lie on execution tokens (84 to 95 %).")
    assert "6144 rollouts of the data" in found.text
    assert found.alarm is None
    assert found.headline.as_json() == {
        "what": "share of the learning signal on planning tokens", "value": 0.09, "interval": [0.05, 0.16],
    }  # fmt: skip
    assert found.figures["share_execution"] == pytest.approx(0.91)


def test_warnings_of_the_measurement_are_told_with_it():
    found = learning_signal(evidence(signal_result(warnings=["the rollouts are of another model"])))
    assert found.text.endswith("The rollouts are of another model.")


def test_without_a_share_there_is_no_headline_and_without_a_measurement_nothing():
    result = signal_result()
    for kind in ("planning", "execution"):
        result["kinds"][kind] |= {"share": None, "ci": None}
    found = learning_signal(evidence(result))
    assert (found.headline, found.figures["share_planning"]) == (None, None)
    assert "too small" in found.text
    assert learning_signal(evidence()) is None
    assert learning_signal in FINDINGS


def test_a_measurement_in_a_run_folder_is_read_and_checked(tmp_path: Path):
    assert saved_signal(tmp_path) is None
    signal_folder(tmp_path / "signal")
    assert saved_signal(tmp_path) == signal_result()
    (tmp_path / "signal" / "signal.json").write_text('{"kinds": [], "methods": {}}', encoding="utf-8")
    with pytest.raises(ArtifactError, match="holds no measurement of the signal"):
        saved_signal(tmp_path)
