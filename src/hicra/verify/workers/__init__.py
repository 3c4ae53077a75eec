"""The worker processes for algebra: they are started, given items, watched, and killed if they take too long."""
