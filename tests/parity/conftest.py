"""The modules of this folder import one another, and the examples, by name."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
for folder in (HERE, HERE.parents[1] / "examples"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
