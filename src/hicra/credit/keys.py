"""What a user calls the keys that name a method, a baseline and a loss, so that a message names what stands in the script.

A config of `hicra train` has a section for each, as in `method.name` and `method.settings.alpha`, and flags that set them. A
script and the config of another library have one level: `method` and `method_settings`. Code names a key as the config does, and
asks here what it is called.
"""

from __future__ import annotations

from dataclasses import dataclass


class Keys:
    """The keys of a config of `hicra train`."""

    def __call__(self, key: str) -> str:
        """Returns what a key of the config is called.

        Args:
            key: dotted, as in "method.settings" or "method.then[0].name".
        """
        return key

    def giving(self, part: str, name: str) -> str:
        """Says how that name is given for a part ("method", "baseline" or "loss")."""
        return f"--method {name}" if part == "method" else f"--set {part}.name={name}"

    def preset(self, name: str) -> str:
        """Says how that preset is given."""
        return f"--set preset={name}"


CONFIG = Keys()


@dataclass(frozen=True)
class FlatKeys(Keys):
    """Keys of one level.

    >>> keys = FlatKeys("hicra.", loss="policy_loss")
    >>> keys("method.name"), keys("loss.settings"), keys("method.then[0].name")
    ('hicra.method', 'hicra.policy_loss_settings', 'hicra.method_then[0].name')

    Attributes:
        before: what stands before each key, as in "hicra."; "" for the arguments of a function.
        loss: the key that names the loss; "" where there is none.
    """

    before: str = ""
    loss: str = ""

    def __call__(self, key: str) -> str:
        part, _, what = key.replace("method.then", "method_then").partition(".")
        part = self.loss if part == "loss" and self.loss else part
        if part.endswith("]") and what:
            return f"{self.before}{part}.{what}"  # a further shaper is a mapping of its own
        return f"{self.before}{part}" + (f"_{what}" if what not in ("", "name") else "")

    def giving(self, part: str, name: str) -> str:
        if part == "loss" and not self.loss:
            return "no loss can be named here"
        return f"name it as {self(f'{part}.name')}"

    def preset(self, name: str) -> str:
        return f"`hicra methods {name}` lists what it is made of"
