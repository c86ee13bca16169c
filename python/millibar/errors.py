"""The errors millibar raises.

Every class also is the built-in that a caller would catch anyway, so code that knows nothing of
millibar handles them:

    Error
    ├── OutOfMemoryError     MemoryError          an allocation failed or would pass the limit
    ├── StorageError         OSError              the operating system said no, or a file changed
    ├── FileMissingError     FileNotFoundError    no such file, or a pattern that matches none
    ├── ColumnNotFoundError  KeyError             no such column
    ├── ZoneNotFoundError    KeyError             no such time zone
    ├── FormatError          ValueError           bytes are not what the format says
    ├── InvalidError         ValueError           an argument or the data break a stated rule
    └── UnsupportedError     NotImplementedError  valid, but something millibar does not do

`file`, `offset` (byte in the file) and `row` say where, and are None where they do not apply.
"""

from __future__ import annotations

__all__ = [
    "ColumnNotFoundError",
    "Error",
    "FileMissingError",
    "FormatError",
    "InvalidError",
    "OutOfMemoryError",
    "StorageError",
    "UnsupportedError",
    "ZoneNotFoundError",
]


class Error(Exception):
    """Root of all errors of millibar.

    Attributes:
        file: the file it concerns, or None.
        offset: byte position in that file, or None.
        row: row of the column or file, or None.
    """

    file: str | None = None
    offset: int | None = None
    row: int | None = None

    def __str__(self) -> str:
        """The message, after the file it concerns. KeyError would quote it, OSError would look
        for an errno."""
        message = str(self.args[0]) if self.args else ""
        return message if self.file is None else f"{self.file}: {message}"


class OutOfMemoryError(Error, MemoryError):
    """An allocation failed or would pass the limit set by `set_memory_limit`."""


class StorageError(Error, OSError):
    """The operating system refused to read or write, or a file changed while it was open."""


class FileMissingError(Error, FileNotFoundError):
    """No such file, or a pattern that matches none."""


class ColumnNotFoundError(Error, KeyError):
    """No column of that name."""


class ZoneNotFoundError(Error, KeyError):
    """No time zone of that name."""


class FormatError(Error, ValueError):
    """The bytes are not what the format says they must be."""


class InvalidError(Error, ValueError):
    """An argument or the data break a stated rule; the message says which, and the remedy."""


class UnsupportedError(Error, NotImplementedError):
    """Valid, but something this library does not do."""
