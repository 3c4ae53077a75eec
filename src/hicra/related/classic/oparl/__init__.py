"""OPARL: an optimistic actor explores, a pessimistic one learns (arXiv:2312.15965), on TD3 of stable-baselines3.

- agent.py: TD3 with K critics, the optimistic actor, its updates and its reset.
- coverage.py: how much of a state space was visited.
- train.py: one training on Pendulum or MountainCarContinuous.

What is certain: the paper and its authors' code, of which nothing is copied.
"""
