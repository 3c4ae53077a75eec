"""The words that agents put between the texts of an environment, and the levels that tokens of an agent have.

A cue stands at the end of what the policy reads, and says what it is asked for. Cues are read, never written, so one policy can
plan, think and act, and one warm start serves agents of every kind.
"""

from __future__ import annotations

PLAN = "plan:"  # cue: write the subgoals, with SEPARATOR between them
SEPARATOR = ";"
THINK = "think:"  # cue: write a thought, and after its end the action
ACT = "act:"  # cue: write the action
SWITCH = "switch:"  # cue: write KEEP or CHANGE
SUBGOAL = "subgoal:"  # cue: write the next subgoal
GOAL = "goal:"  # before the subgoal that is worked on
SUB_DONE = "<sub_done>"  # written behind the last action of a subgoal, or alone
KEEP, CHANGE = "keep", "change"
FRAME = (PLAN, SEPARATOR, THINK, ACT, SWITCH, SUBGOAL, GOAL, SUB_DONE)  # no subgoal may hold one
MARKERS = (*FRAME, KEEP, CHANGE)  # what a tokenizer of words needs beside the words of an environment

EXECUTION_LEVEL, PLAN_LEVEL, THOUGHT_LEVEL = 0, 1, 2  # of `level_ids`; -1 is no action
