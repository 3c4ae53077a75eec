"""Provable hierarchy-based meta-RL (Chua, Lei and Lee 2023, arXiv:2110.09507) on tabular tasks, and HICRA with exits as planning.

    tasks -> UCBVI on each -> counts -> exits -> clusters -> a policy for each exit -> planning with options on a new task

- mdp.py: a finite-horizon task, its optimal values, the worth of a policy; rooms.py: the family of four rooms.
- ucbvi.py: bonus and optimistic values; learners.py: what learns a task, episode by episode, with its exact regret.
- detect.py: the radius, the exits; hierarchy.py: clusters and a policy for each exit; graph.py: planning from exit to exit.
- train.py: the whole way from training tasks to a hierarchy.
- softmax.py: the exact gradient of GRPO and HICRA of a softmax policy in a table, split into exits and the rest.
- show.py: the rooms as a picture of the package minigrid.

What is certain: the paper's abstract. Tabular tasks share most of their dynamics; a hierarchy in them is recovered from several
tasks under conditions of diversity by an optimistic algorithm, and a learner that has it has less regret on a new task. How
exits are found and what is planned here is a reconstruction, and every choice is a deviation of the family EXITS.
"""
