"""Tests that need verl, and so an environment without TRL: `make check-verl`. Elsewhere nothing here is collected."""

from importlib.util import find_spec

import pytest

collect_ignore_glob = [] if find_spec("verl") else ["*"]


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """The folder of the small world: model, prompts, reward function and lexicon."""
    from verl_small import make_world

    folder = tmp_path_factory.mktemp("world")
    make_world(folder)
    return folder
