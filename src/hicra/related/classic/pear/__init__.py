"""PEAR: primitive-enabled adaptive relabeling (arXiv:2306.06394) on two levels of soft actor-critic (SAC).

The high level sets a subgoal every c steps, the low level goes there. Every so often demonstrations are cut anew into subgoals
that the low level, by its own critic, can reach as it is now; the high level imitates these beside its own learning.

- relabel.py: demonstrations to subgoals, a pure function of a critic. numpy alone.
- imitate.py: SAC of stable-baselines3 with psi times imitation in the gradient of its actor.
- levels.py: the two levels, as one environment for the high level.
- maze.py: the point maze of gymnasium-robotics and demonstrations of a planner; train.py: one training of one arm.

What is certain: descriptions of the paper and the code of CRISP, a sibling method of its authors (which carries no licence, and
of which nothing is copied). The relabelling rule, the joint objective and the forms of imitation are theirs; the numbers are
not known.
"""
