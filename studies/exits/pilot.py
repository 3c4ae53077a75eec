"""The pilots that choose the scale of the bonus, by UCBVI alone: `python pilot.py` (20 CPU-seconds)."""

from __future__ import annotations

import numpy as np
from exits_design import DOORS, EPISODES, PILOTS, SCALES, SIDES, SLIP

from hicra.related.classic.exits.learners import FlatUCBVI, learn
from hicra.related.classic.exits.rooms import FourRooms

if __name__ == "__main__":
    rooms = FourRooms(SIDES[0], DOORS, SLIP)
    for scale in SCALES:
        found = []
        for seed in PILOTS:
            task = rooms.test(seed)
            found.append(learn(task, FlatUCBVI(task, EPISODES, scale=scale), EPISODES, seed).regret.sum())
        print(f"scale {scale}: mean regret {np.mean(found):.1f}, {[round(float(one), 1) for one in found]}", flush=True)
