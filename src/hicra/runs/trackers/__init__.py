"""The metrics and rollouts of a run folder, handed on to a tracker: TensorBoard, W&B, Trackio or MLflow.

The run folder is the truth, and a tracker gets a copy of it: while the run goes on or years later, by the same function.

Deviations (the paper has none of this):
TRACK-1. A tracker gets the finite numbers of metrics.jsonl under the names that they have there. MLflow takes no name with
    other characters than letters, digits, `_ - . / :` and spaces; each of the others becomes `_` there.
TRACK-2. Of the rollouts of a saved step it gets at most eight of rank 0, with planning spans lit: those of the first group whose
    rewards differ, since a step learns from such groups alone, or the first ones where no group is mixed.
TRACK-3. After a resume that went back to a checkpoint, steps that were sent before are not sent again.
"""
