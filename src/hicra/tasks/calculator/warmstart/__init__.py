"""The shipped warm start of the calculator task, a model folder."""

from pathlib import Path

FOLDER = Path(__file__).parent / "model"
