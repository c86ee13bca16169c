"""The peers' environments: one for each set of packages that can live together, made once.

They are kept in .cache/peers/NAME, or MILLIBAR_PEERS/NAME, and made anew where their list of pinned
packages has changed. An environment that cannot be made is told with its reason; so are its peers.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
# The list of packages of each, and the oldest Python that they run on.
ENVIRONMENTS: dict[str, tuple[str, tuple[int, int]]] = {
    "main": ("main.txt", (3, 10)),
    "newer": ("newer.txt", (3, 12)),
    "zipline": ("zipline.txt", (3, 10)),
}


class AbsentError(Exception):
    """An environment is not there; the message says why."""


def interpreter(name: str, *, install: bool) -> Path:
    """Python of an environment, made if need be.

    Raises:
        AbsentError: it is not installed and `install` is false, or it cannot be.
    """
    folder = Path(os.environ.get("MILLIBAR_PEERS", HERE.parents[1] / ".cache" / "peers")) / name
    python, stamp = folder / "bin" / "python", folder / "installed.txt"
    packages, oldest = ENVIRONMENTS[name]
    wanted = (HERE / packages).read_text(encoding="utf-8")
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    if not install:
        raise AbsentError("not installed; a run without --quick installs it")
    base = next(pythons(oldest), None)
    if base is None:
        raise AbsentError("needs Python {}.{} or newer, which is not here".format(*oldest))
    print(f"installing the peers of {packages} into {folder}", flush=True)
    pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]
    run(base, "-m", "venv", "--clear", folder)
    run(python, *pip, HERE / packages)
    stamp.write_text(wanted, encoding="utf-8")
    return python


def run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        told = (done.stderr or done.stdout).strip().splitlines()
        raise AbsentError(f"cannot be installed: {told[-1] if told else done.returncode}")


def pythons(oldest: tuple[int, int]) -> Iterator[str | Path]:
    """This one, those on PATH, those of pyenv: each that starts and is new enough."""
    if sys.version_info[:2] >= oldest:
        yield sys.executable
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for minor in range(14, oldest[1] - 1, -1):
        name = f"python3.{minor}"
        for found in (shutil.which(name), *sorted(root.glob(f"3.{minor}.*/bin/{name}"))):
            if found is not None and starts(found):
                yield found


def starts(python: str | Path) -> bool:
    """Whether it runs: a shim of pyenv may stand for a version that is not chosen."""
    done = subprocess.run([python, "-c", "import venv"], capture_output=True, check=False)
    return done.returncode == 0
