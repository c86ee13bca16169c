"""The package's loggers, silent unless a program asks for what they say, and what a command shows.

A strategy may cause the same warning at every iteration: a command shows it once. A file that sets
up logging itself is left to it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["logger_of", "warnings_shown"]

LOGGERS = ("millibar", "lumibot")

logging.getLogger("millibar").addHandler(logging.NullHandler())


def logger_of(name: str) -> logging.Logger:
    """The logger of a module."""
    return logging.getLogger(name)


class _Once(logging.Filter):
    """Lets a text through once, and nothing while the root logger has handlers of its own."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        if logging.getLogger().handlers or text in self._seen:
            return False
        self._seen.add(text)
        return True


@contextmanager
def warnings_shown() -> Iterator[None]:
    """Inside, warnings of millibar and of what stands for lumibot go to standard error."""
    handler = logging.StreamHandler()
    handler.setLevel(logging.WARNING)
    handler.addFilter(_Once())
    loggers = [logging.getLogger(name) for name in LOGGERS]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
