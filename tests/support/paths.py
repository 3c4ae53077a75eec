"""Where tests find things: the checkout, and the real data beside it, which may be absent."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUPPORT = ROOT / "tests" / "support"
SHARED = ROOT.parent / "shared" / "data"
