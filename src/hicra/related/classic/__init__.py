"""Classic reinforcement learning among the relatives: worlds of states and numbers, without text.

- exits/: provable hierarchy-based meta-RL on tabular tasks, in numpy alone, and HICRA on a tabular policy.
"""
