"""Environments that an episode can be resumed in, behind one protocol; one adapter a file."""

from hicra.related.environments.interface import Environment, Step

__all__ = ["Environment", "Step"]
