"""A run folder in the terminal while another process writes it: curves, findings and the latest tagged rollout."""
