"""The shipped warm starts, one model folder each: `strong` and `weak`."""

from pathlib import Path

FOLDER = Path(__file__).parent
