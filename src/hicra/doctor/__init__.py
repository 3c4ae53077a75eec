"""What `hicra doctor` looks at: packages, engines, this machine, and the user's own tokenizer, lexicon and rollouts.

`examine` puts the parts together: `packages` and `requirements` compare what is installed with what is tested, `engines` finds
the training engines, `machine` looks at cores and GPU, `alignment` at a tokenizer, and `coverage` at a lexicon on some rollouts.
"""

from hicra.doctor.examine import examine
from hicra.doctor.fault import Fault

__all__ = ["Fault", "examine"]
