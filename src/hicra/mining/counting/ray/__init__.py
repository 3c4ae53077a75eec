"""Counting on a Ray cluster: the same maps and reduces as stages of Ray Data. docs/mining-ray.md says how to run it."""
