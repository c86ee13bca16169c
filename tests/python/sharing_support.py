"""What code must leave to others: the interpreter while it runs, and its memory afterwards."""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from millibar import _core


@contextmanager
def other_threads_work() -> Iterator[None]:
    """Another thread of Python has to get on while the block is under way.

    The interpreter takes its lock from nobody meanwhile: only who lets it go lets the other work.
    """
    counted = 0
    over = threading.Event()

    def count() -> None:
        nonlocal counted
        while not over.is_set():
            counted += 1
            time.sleep(0)

    interval = sys.getswitchinterval()
    thread = threading.Thread(target=count)
    sys.setswitchinterval(60.0)
    try:
        thread.start()
        before = counted
        yield
        after = counted
    finally:
        over.set()
        thread.join()
        sys.setswitchinterval(interval)
    assert after > before


def assert_nothing_is_left(work: Callable[[], object], times: int) -> None:
    """After a first call, further ones leave the library's memory as it was."""
    work()
    gc.collect()
    before = _core.memory_live_bytes()
    for _ in range(times):
        work()
    gc.collect()
    assert _core.memory_live_bytes() == before
