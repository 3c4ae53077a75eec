"""verl finds the plug-in by itself; what keeps it from working is said, where verl says nothing."""

import os
import subprocess
import sys

import pytest

LINE = "plugin registered with verl 0.9.1, trainer modes hicra_sync, hicra_colocate_async, hicra_separate_async"
ASK = "from hicra.engines.verl import registered; print('FOUND', registered())"


def said(code, **env):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=600,
        env=os.environ | {"VERL_PLATFORM": "cpu", "VERL_ENGINE_DEVICE": "cuda"} | env,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def test_the_modes_are_registered_when_verls_trainers_are_imported_and_a_line_says_so():
    out, err = said(f"import verl.trainer.ppo.v1 as v; print(v.get_trainer_cls('hicra_sync').extends); {ASK}")
    assert out.splitlines() == ["sync", "FOUND []"]
    assert err.count(LINE) == 1


def test_a_process_that_trains_nothing_imports_no_trainer():
    out, err = said("import sys, verl; print('verl.trainer.ppo.v1' in sys.modules, 'polars' in sys.modules)")
    assert out.split() == ["False", "False"]
    assert LINE in err


BROKEN = "import sys; sys.modules['hicra.engines.verl.rows'] = None; "


def test_a_trainer_that_cannot_be_imported_is_loud_and_leaves_verls_own_modes_alone():
    out, err = said(f"{BROKEN}import verl.trainer.ppo.v1 as v; print(v.get_trainer_cls('sync').__name__); {ASK}")
    assert "PPOTrainerSync" in out
    assert "trainer modes NOT registered: ModuleNotFoundError" in err
    assert "fix: hicra doctor --verl" in err
    assert "hicra.engines.verl.rows" in out.split("FOUND")[1]


@pytest.mark.parametrize(
    ("code", "env", "problem"),
    [
        ("", {"VERL_USE_EXTERNAL_PLUGINS": "none"}, "VERL_USE_EXTERNAL_PLUGINS is 'none'"),
        ("import sys; sys.modules['hicra.engines.verl.plugin'] = None; ", {}, "the plug-in cannot be imported"),
    ],
)
def test_what_verl_swallows_is_found(code, env, problem):
    out, err = said(code + ASK, **env)
    assert problem in out
    assert "'fix': " in out
    assert LINE not in err or not code
