"""A contender that is a process of its own: it says a line of JSON when it is ready, and one for
every line it is sent. How such a process is written: serve.py, or a loop over its standard input.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def side(name: str, *words: object) -> list[str]:
    """The command of one of ours: the module of that name in sides/."""
    return [sys.executable, "-m", f"bench.sides.{name}", *map(str, words)]


def peer(python: Path, *words: object) -> list[str]:
    """The command of a peer, in its environment."""
    return [str(python), "-m", "bench.peers", *map(str, words)]


def environment(command: Sequence[str], more: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a command of `side` or `peer` finds on its path.

    Ours: this package, what this process has, and the modules of tests and examples that sides are
    made from (offline lumibot, MES momentum). Peers: this package alone, whatever is set here.
    """
    path = [str(ROOT)]
    if "bench.peers" not in command:
        path += filter(None, [os.environ.get("PYTHONPATH")])
        path += [str(ROOT / "tests" / "parity"), str(ROOT / "examples")]
    return {**os.environ, **(more or {}), "PYTHONPATH": os.pathsep.join(path)}


class Contender:
    """A process that runs rounds when asked.

    Raises:
        RuntimeError: it ended before its line, or answers that it failed; it says why.
    """

    def __init__(self, command: Sequence[str], more: Mapping[str, str] | None = None) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        began = time.perf_counter()
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=environment(command, more),
        )
        try:
            self.hello = self._line()
        except RuntimeError:
            self.close()
            raise
        self.start_s = time.perf_counter() - began

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._errors.seek(0)
            told = self._errors.read().decode(errors="replace").strip().splitlines()
            raise RuntimeError(told[-1] if told else "it ended without a word")
        answer: dict[str, Any] = json.loads(line)
        if "failed" in answer:
            raise RuntimeError(answer["failed"])
        return answer

    def round(self, asked: str = "") -> dict[str, Any]:
        """Its answer to a line."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # then there is no line, and it says why
            self._process.stdin.write(asked + "\n")
            self._process.stdin.flush()
        return self._line()

    def close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        self._process.wait()
        self._errors.close()
