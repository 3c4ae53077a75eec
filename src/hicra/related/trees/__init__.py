"""Rollouts that fork: states that can be gone on from, the trees that they make, and the systems that credit their edges."""
