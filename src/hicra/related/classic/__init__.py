"""Classic reinforcement learning among the relatives: worlds of states and numbers, without text.

- exits/: provable hierarchy-based meta-RL on tabular tasks, in numpy alone, and HICRA on a tabular policy.
- pear/: two levels, and demonstrations that are cut into subgoals, on SAC of stable-baselines3.
- oparl/: an optimistic actor beside a pessimistic one, on TD3 of stable-baselines3.
- refusals.py: what the last two refuse by name.
"""
