#!/usr/bin/env python3
"""The folder tree is the architecture: check that nobody includes upwards.

Each folder of src/ may include the headers of folders before it on the ladder; `io` and `sim` do
not know each other; the commands and the extension use the public API alone; one file family knows
the Parquet library. In Python only millibar.integrations.lumibot imports lumibot, and nothing
imports pandas, pyarrow, polars or lumibot at module level outside it.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LADDER = ["base", "table", "market", "indicators", "io", "sim"]
STRANGERS = {("io", "sim"), ("sim", "io")}
PUBLIC_RANK = {"base": 0, "table": 1, "market": 2, "indicators": 3, "io": 4, "sim": 5}
INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([^">]+)[">]', re.M)
HEAVY = {"pandas", "pyarrow", "polars", "duckdb", "lumibot"}


def allowed(folder: str, target: str) -> bool:
    return LADDER.index(target) <= LADDER.index(folder) and (folder, target) not in STRANGERS


def check_source(path: Path) -> list[str]:
    """Findings of one file under src/."""
    folder = path.parent.name
    found = []
    for name in INCLUDE.findall(path.read_text(encoding="utf-8")):
        head, _, rest = name.partition("/")
        target = Path(rest).stem if head == "millibar" else head if rest else folder
        if head == "carquet" and not path.name.startswith("parquet"):
            found.append(f"{path}: only src/io/parquet*.c may include <{name}>")
        elif target == "millibar" or (target in LADDER and not allowed(folder, target)):
            found.append(f"{path}: {folder} may not include {name}")
    return found


def check_public(path: Path) -> list[str]:
    """Findings of one public header: it includes only those before it."""
    own = PUBLIC_RANK.get(path.stem)
    found = []
    for name in INCLUDE.findall(path.read_text(encoding="utf-8")):
        target = PUBLIC_RANK.get(Path(name).stem) if name.startswith("millibar/") else None
        if own is not None and target is not None and target >= own:
            found.append(f"{path}: {path.stem}.h may not include {name}")
    return found


def check_outside(path: Path) -> list[str]:
    """Findings of one file of cli/ or python/ext/: public API and own headers only."""
    found = []
    for name in INCLUDE.findall(path.read_text(encoding="utf-8")):
        inside = name.split("/")[0] in LADDER or name.startswith("carquet")
        if inside or (ROOT / "src" / name).exists():
            found.append(f"{path}: only the public API may be included, not {name}")
    return found


def module_level_imports(tree: ast.Module) -> list[str]:
    names: list[str] = []
    pending: list[ast.stmt] = list(tree.body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            names += [alias.name.split(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.append(node.module.split(".")[0])
        elif isinstance(node, ast.If) and "TYPE_CHECKING" not in ast.unparse(node.test):
            pending += node.body + node.orelse
        elif isinstance(node, ast.Try):
            pending += node.body
    return names


def check_python(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if "integrations" in path.parts:
        return []
    found = [
        f"{path}: imports {name} at module level"
        for name in module_level_imports(tree)
        if name in HEAVY
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "lumibot":
            found.append(f"{path}: only millibar.integrations.lumibot may import lumibot")
    return found


def main() -> int:
    found: list[str] = []
    for path in sorted((ROOT / "src").glob("*/*.[ch]")):
        if path.parent.name not in LADDER:
            found.append(f"{path}: {path.parent.name} is not on the ladder")
        else:
            found += check_source(path)
    for path in sorted((ROOT / "include" / "millibar").glob("*.h")):
        found += check_public(path)
    for folder in ("cli", "python/ext"):
        for path in sorted((ROOT / folder).glob("*.[ch]")):
            found += check_outside(path)
    for path in sorted((ROOT / "python" / "millibar").rglob("*.py")):
        found += check_python(path)
    for line in found:
        print(line.replace(f"{ROOT}/", ""), file=sys.stderr)
    print(f"ladder: {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
