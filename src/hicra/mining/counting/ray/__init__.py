"""Counts on a Ray cluster: the same maps and reduces are stages of Ray Data. docs/how-to/mine-on-ray.md says how to run it."""
