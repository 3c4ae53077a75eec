# %% [markdown]
# # A credit method of your own, in 15 lines
#
# A function from advantages [B,T] and a batch to advantages [B,T]. Needs no torch. Run it in the checkout:
# `python examples/notebooks/own_method.py`.

# %%
import numpy as np

from hicra import credit


def first_plan(advantages, batch, *, alpha: float = 0.2):
    """HICRA on the first planning stretch of a response alone: A + alpha |A| there, A elsewhere."""
    mask = batch["planning_mask"]
    begins = mask & ~np.pad(mask, ((0, 0), (1, 0)))[:, :-1]  # [B,T] where a stretch begins
    first = mask & (np.cumsum(begins, axis=1) == 1)
    return np.where(first, advantages + alpha * np.abs(advantages), advantages)


FIRST_PLAN = credit.Method(
    "first_plan", first_plan, "an example", needs=("response_mask", "planning_mask"), strength="alpha", keeps_sign=True
)

# %% [markdown]
# ## Try it
# The second planning stretch of row 0 keeps its advantage. A wrong setting is refused by name.

# %%
batch = {
    "response_mask": np.ones((2, 6), bool),
    "planning_mask": np.array([[1, 1, 0, 0, 1, 0], [0, 1, 0, 0, 0, 0]], bool),
}
A = credit.group_advantages([1, 0], group_ids=[7, 7])[:, None] * np.ones((2, 6))
print(FIRST_PLAN(A, batch).round(2))
print(credit.METHODS["hicra"](A, batch).round(2))
try:
    FIRST_PLAN(A, batch, alfa=0.3)
except ValueError as error:
    print(error)

# %% [markdown]
# ## Train with it
# Put the function into a file of your own, here `own.py`, and name it as `module:name` wherever a method is taken:
#
#     hicra train --config recipes/plan-execute/config.yaml --method own:FIRST_PLAN -o runs/own
