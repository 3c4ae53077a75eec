"""Finds exits in four rooms and uses them twice: `python recipes/exits/run.py [--side 3] [--seed 0] [--picture rooms.png]`

1. UCBVI on five training tasks; state-actions whose kernels differ are exits, the rest falls into clusters.
2. A new task: regret of UCBVI that knows nothing, that knows the inside of clusters, and of planning from exit to exit.
3. Exits as planning tokens: how much of the exact gradient of a softmax policy lies on them while it learns, and in how many
   steps of the expected gradient GRPO and HICRA reach the goal in half of the episodes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hicra.artifacts import atomic_file, check_output
from hicra.related.classic.exits.learners import FlatUCBVI, FlatWithInside, GraphUCBVI, Learner, learn
from hicra.related.classic.exits.mdp import TabularMDP, optimal
from hicra.related.classic.exits.rooms import FourRooms
from hicra.related.classic.exits.show import picture
from hicra.related.classic.exits.softmax import exact_gradients
from hicra.related.classic.exits.train import Recovered, precision_recall, recover
from hicra.related.script import ended, seed, whole

SCALE = 0.1  # of the bonus, for all learners alike
OUTCOMES = 5  # states that a move may lead to
RATE, MOST = 2.0, 1000  # of gradient ascent


def trained(rooms: FourRooms, episodes: int, seed: int) -> Recovered:
    """Step 1, with what it found."""
    began = time.process_time()
    found = recover(rooms.training(5, seed), episodes, OUTCOMES, seed, scale=SCALE)
    precision, recall = precision_recall(found.exits, rooms.exits())
    print(
        f"{int(found.exits.sum())} exits after {episodes} episodes of each of 5 training tasks (there are "
        f"{int(rooms.exits().sum())}): precision {precision:.2f}, recall {recall:.2f}, "
        f"{int(found.hierarchy.clusters.max()) + 1} clusters; {time.process_time() - began:.0f} cpu-s"
    )
    return found


def tested(found: Recovered, task: TabularMDP, episodes: int, seed: int) -> None:
    """Step 2, a line for each learner."""
    hierarchy = found.hierarchy
    learners: dict[str, Learner] = {
        "UCBVI": FlatUCBVI(task, episodes, scale=SCALE),
        "UCBVI that knows the inside": FlatWithInside(hierarchy, task, episodes, scale=SCALE),
        "from exit to exit": GraphUCBVI(hierarchy, task, episodes, scale=SCALE),
    }
    print(f"new task: best success {optimal(task)[0][0, task.start]:.3f}; {episodes} episodes of learning:")
    for name, learner in learners.items():
        began = time.process_time()
        regret = learn(task, learner, episodes, seed).regret
        last = regret[-episodes // 10 :].mean()
        print(f"  {name:28} regret {regret.sum():6.1f}, in the last tenth {last:.3f} an episode; ", end="")
        print(f"{time.process_time() - began:.0f} cpu-s")


def steps_to_half(task: TabularMDP, planning: np.ndarray, alpha: float) -> int:
    """Steps of the expected gradient until half of the episodes succeed; MOST where it takes more."""
    logits = np.zeros((task.states, task.actions))
    for step in range(MOST):
        exact = exact_gradients(task, logits, planning)
        if exact.success >= 0.5:
            return step
        logits += RATE * exact.hicra(alpha)
    return MOST


def bridged(task: TabularMDP, exits: np.ndarray) -> None:
    """Step 3: the signal on exits while GRPO learns, then the steps of each arm."""
    print(
        "GRPO from the uniform policy, by its exact gradient:\n  step success  share of tokens  share of signal, on exits"
    )
    logits = np.zeros((task.states, task.actions))
    for step in range(401):
        exact = exact_gradients(task, logits, exits)
        if step in (0, 50, 100, 150, 200, 400):
            share = exact.planning_tokens / exact.tokens
            print(f"  {step:4} {exact.success:7.3f} {share:16.3f} {exact.signal()['share']:16.3f}")
        logits += RATE * exact.hicra(0.0)
    everywhere = np.ones_like(exits)
    arms = {
        "GRPO": (exits, 0.0), "HICRA on exits": (exits, 0.2), "HICRA on all others": (~exits, 0.2),
        "HICRA everywhere": (everywhere, 0.2),
    }  # fmt: skip
    print("steps until half of the episodes succeed:")
    for name, (planning, alpha) in arms.items():
        print(f"  {name:20} {steps_to_half(task, planning, alpha)}")


def save_picture(rooms: FourRooms, opened: Sequence[int], file: Path) -> None:
    """Writes the new task as a PNG; needs the extra minigrid, which brings pygame."""
    pixels = picture(rooms, opened)
    import pygame

    with atomic_file(file, overwrite=False) as temporary:
        pygame.image.save(pygame.surfarray.make_surface(pixels.swapaxes(0, 1)), str(temporary))
    print(f"{file}: the new task")


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; exit code 0, 1 where an input is wrong, 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog="python recipes/exits/run.py", description="Exits of four rooms.")
    parser.add_argument("--side", type=whole(), default=3, help="cells on a side of a room (default 3)")
    parser.add_argument("--seed", type=seed, default=0, help="of doors and chance (default 0)")
    parser.add_argument("--training", type=whole(1), default=3000, help="episodes of each training task (default 3000)")
    parser.add_argument("--episodes", type=whole(1), default=1000, help="of the new task (default 1000)")
    parser.add_argument("--picture", type=Path, help="a new PNG of the new task; needs the extra minigrid")
    options = parser.parse_args(arguments)

    def work() -> None:
        rooms = FourRooms(side=options.side)
        opened = rooms.test_doors(options.seed)
        if options.picture:
            check_output(options.picture, "the picture", endings=(".png",), option="--picture", replaces=False)
            save_picture(rooms, opened, options.picture)
        found, task = trained(rooms, options.training, options.seed), rooms.task(opened)
        tested(found, task, options.episodes, options.seed)
        bridged(task, found.exits)

    return ended(work)


if __name__ == "__main__":
    raise SystemExit(main())
