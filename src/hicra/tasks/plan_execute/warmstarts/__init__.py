"""The shipped warm starts `strong` and `weak`, each a model folder."""

from pathlib import Path

FOLDER = Path(__file__).parent
