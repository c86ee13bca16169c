"""Strategies in C for the tests of `mbar run`: compiled where they are needed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

HEAD = """
#include <millibar/sim.h>
#include <stdio.h>
#include <unistd.h>
"""
OPEN = """
MBAR_API mbar_status mbar_strategy_open(const char *const *parameters, mbar_strategy_plugin *out,
                                        mbar_error *error)
{
    (void)parameters;
    (void)error;
    *out = (mbar_strategy_plugin){.strategy = {.struct_bytes = sizeof(mbar_strategy),
                                               .on_trading_iteration = iterate}};
    return MBAR_OK;
}
"""


def iterate(body: str) -> str:
    """A plugin whose strategy does `body` each iteration."""
    signature = "static mbar_status iterate(mbar_engine *engine, void *state, mbar_error *error)"
    unused = "(void)engine; (void)state; (void)error;"
    return f"{HEAD}{signature}\n{{\n    {unused}\n    {body}\n}}\n{OPEN}"


def compile_plugin(source: str | Path, path: Path) -> Path:
    """The plugin of a C file or of a text."""
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler: strategies in C cannot be built")
    if isinstance(source, str):
        code = path.with_suffix(".c")
        code.write_text(source, encoding="utf-8")
    else:
        code = source
    flags = ["-std=c17", "-O1", "-ffp-contract=off", "-shared", "-fPIC"]
    command = [*compiler.split(), *flags, f"-I{ROOT / 'include'}", str(code), "-o", str(path)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return path
