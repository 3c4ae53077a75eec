"""Environments that an episode can be resumed in, behind one protocol; one adapter a file."""

import os

from hicra.related.environments.interface import Environment, Reply

__all__ = ["Environment", "Reply"]

# pygame, which two of the packages bring along, would greet on standard output, where some commands print JSON.
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
