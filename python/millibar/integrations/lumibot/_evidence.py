"""lumibot's market-input evidence, noted in constant time and hashed when somebody reads it.

lumibot hashes every row of every frame a strategy asks for, during the run; its files need the
hashes only at the end. `DeferredEvidence` is lumibot's recorder (the files are written from the
same `rows`, `observations` and `incomplete`) that remembers which rows of which immutable series a
frame showed, and does the hashing when one of those attributes is read. Each row is encoded once,
not once a window.

A frame qualifies only while it still holds the series' own values: its bytes are compared when it
is recorded, so a frame that a strategy has written into is recorded at once, by lumibot's own code,
as it then is. The result is the same rows and observations in the same order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

import numpy as np
import pandas as pd
from lumibot.backtesting.market_input_evidence import (
    MARKET_COLUMNS,
    MarketInputEvidence,
    _encoded,
    _scalar,
    asset_identity,
)
from lumibot.entities import Asset

from millibar.feed import Feed, Resampled, Window, datetime_index, window_of

# Rows of resampled windows are kept until they are hashed; so many bytes of them at most.
_HELD_BYTES = 16 << 20
_identity_fields = attrgetter("symbol", "asset_type", "expiration", "strike", "right", "multiplier")


class _FeedRows:
    """Rows [first, first + count) of a feed: keyed by their place in it."""

    __slots__ = ("columns", "count", "feed", "first")

    def __init__(self, window: Window, columns: Sequence[str]) -> None:
        self.feed: Feed = window.feed
        self.first = window.first
        self.count = window.count
        self.columns = columns

    def memo_key(self) -> Any:
        return self.feed

    def keys(self) -> Iterable[Any]:
        return range(self.first, self.first + self.count)

    def values(self, place: int) -> list[Any]:
        row = self.first + place
        stored = [self.feed.column(name)[row].item() for name in self.columns]
        return [self.feed.index[row].isoformat(), *stored]


class _BucketRows:
    """Buckets of a resampled window: keyed by their bytes, as each request makes them anew."""

    __slots__ = ("arrays", "count", "times", "unit")

    def __init__(self, window: Resampled, columns: Sequence[str]) -> None:
        self.times = window.times
        self.unit = window.feed.unit
        self.arrays = [window.column(name) for name in columns]
        self.count = window.rows

    def memo_key(self) -> Any:
        return self.unit, tuple(array.dtype.name for array in self.arrays)

    def keys(self) -> Iterable[Any]:
        words = [self.times, *(array.view("int64") for array in self.arrays)]
        packed = np.ascontiguousarray(np.column_stack(words))
        keys: list[Any] = packed.view(f"V{packed.shape[1] * 8}").ravel().tolist()
        return keys

    def values(self, place: int) -> list[Any]:
        stamp = datetime_index(self.times[place : place + 1], self.unit)[0]
        return [stamp.isoformat(), *(array[place].item() for array in self.arrays)]


class _Note:
    """One call of a strategy for history, as it will be written."""

    __slots__ = ("columns", "identity", "observed", "purpose", "rows", "timestep")

    def __init__(
        self,
        identity: str,
        timestep: str,
        observed: str,
        purpose: str,
        columns: Sequence[str],
        rows: _FeedRows | _BucketRows | None,
    ) -> None:
        self.identity = identity
        self.timestep = timestep
        self.observed = observed
        self.purpose = purpose
        self.columns = columns
        self.rows = rows


class DeferredEvidence(MarketInputEvidence):  # type: ignore[misc]
    """lumibot's MarketInputEvidence, hashing when its rows or observations are read."""

    def __init__(self, *, max_rows: int = 50_000, max_observations: int = 4096) -> None:
        self._notes: list[_Note] = []
        self._noted: dict[tuple[Any, ...], Any] = {}
        self._repeats_possible = False
        self._held_bytes = 0
        self._memos: dict[tuple[Any, ...], dict[Any, tuple[str, bytes]]] = {}
        self._identities: dict[tuple[int, int], tuple[Any, ...]] = {}
        super().__init__(max_rows=max_rows, max_observations=max_observations)

    # ---- What lumibot reads ---------------------------------------------------------------------

    @property
    def rows(self) -> dict[str, dict[str, Any]]:
        """Every row seen, by its hash, in order of first sight."""
        self._settle()
        return self._rows

    @rows.setter
    def rows(self, value: dict[str, dict[str, Any]]) -> None:
        self._rows = value

    @property
    def observations(self) -> list[dict[str, Any]]:
        """Every distinct request, in order."""
        self._settle()
        return self._observations

    @observations.setter
    def observations(self, value: list[dict[str, Any]]) -> None:
        self._observations = value

    @property
    def seen(self) -> set[str]:
        """The observations as canonical JSON."""
        self._settle()
        return self._seen

    @seen.setter
    def seen(self, value: set[str]) -> None:
        self._seen = value

    @property
    def incomplete(self) -> set[str]:
        """Why the record is not complete; empty when it is."""
        self._settle()
        return self._incomplete

    @incomplete.setter
    def incomplete(self, value: set[str]) -> None:
        self._incomplete = value

    # ---- Recording ------------------------------------------------------------------------------

    def record(
        self, *, asset: Any, timestep: Any, when: Any, frame: Any, purpose: str, quote: Any = None
    ) -> None:
        """Note what a strategy is about to see; see lumibot's method of that name."""
        with self.lock:
            if self._full():
                self._incomplete.add("observation_limit")
                return
            note = self._note(asset, timestep, when, frame, purpose, quote)
            if note is None:
                self._settle()
                self._repeats_possible = True
                super().record(
                    asset=asset,
                    timestep=timestep,
                    when=when,
                    frame=frame,
                    purpose=purpose,
                    quote=quote,
                )
            else:
                self._append(note)

    def _full(self) -> bool:
        if len(self._observations) + len(self._notes) < self.max_observations:
            return False
        if self._repeats_possible:
            self._settle()
        return bool(len(self._observations) + len(self._notes) >= self.max_observations)

    def _note(
        self, asset: Any, timestep: Any, when: Any, frame: Any, purpose: str, quote: Any
    ) -> _Note | None:
        """The call as a note; None when it must be recorded at once."""
        columns: list[str] = []
        rows: _FeedRows | _BucketRows | None = None
        if frame is not None:
            window = window_of(frame)
            if window is None or not 0 < len(frame) <= self.max_rows:
                return None
            columns = [name for name in frame.columns if name in MARKET_COLUMNS]
            if not columns or not _untouched(frame, window, columns):
                return None
            kind = _FeedRows if isinstance(window, Window) else _BucketRows
            rows = kind(window, columns)  # type: ignore[arg-type]
        identity = self._identity(asset, quote)
        return _Note(identity, str(timestep), when.isoformat(), purpose, columns, rows)

    def _identity(self, asset: Any, quote: Any) -> str:
        """The asset's canonical JSON, kept while the asset is what it was."""
        if not isinstance(asset, Asset) or not (quote is None or isinstance(quote, Asset)):
            return str(_encoded(asset_identity(asset, quote)))
        key = id(asset), id(quote)
        fields = _identity_fields(asset), None if quote is None else _identity_fields(quote)
        known = self._identities.get(key)
        if known is None or known[0] != fields:
            if len(self._identities) > 4096:
                self._identities.clear()
            encoded = str(_encoded(asset_identity(asset, quote)))
            known = self._identities[key] = (fields, encoded, asset, quote)
        return str(known[1])

    def _append(self, note: _Note) -> None:
        rows = note.rows
        source: Any = None
        span: tuple[int, ...] = ()
        if isinstance(rows, _FeedRows):
            source, span = rows.feed, (rows.first, rows.count)
        elif isinstance(rows, _BucketRows):
            source, span = rows, (int(rows.times[0]), int(rows.times[-1]), rows.count)
            self._held_bytes += rows.count * 8 * (len(rows.arrays) + 1)
        key = (note.identity, note.timestep, note.observed, note.purpose, *note.columns, *span)
        if key in self._noted:
            if self._noted[key] is source:
                return  # the very same rows again: lumibot keeps the first
            self._repeats_possible = True
        self._noted[key] = source
        self._notes.append(note)
        if self._held_bytes > _HELD_BYTES:
            self._settle()

    # ---- Hashing --------------------------------------------------------------------------------

    def _settle(self) -> None:
        """Turn the notes into rows and observations."""
        with self.lock:
            notes, self._notes = self._notes, []
            self._held_bytes = 0
            for note in notes:
                self._write(note)

    def _write(self, note: _Note) -> None:
        context = {
            "asset": note.identity,
            "timestep": note.timestep,
            "columns": _encoded(list(note.columns)),
        }
        sequence = len(self._observations)
        encoded, first, last = self._encode(note, context, sequence)
        body = b'{"columns":' + context["columns"].encode() + b',"rows":[' + b",".join(encoded)
        observation = {
            **context,
            "purpose": note.purpose,
            "observedAt": note.observed,
            "frameSha256": hashlib.sha256(body + b"]}").hexdigest(),
            "returnedRows": len(encoded),
            "windowStart": first,
            "windowEnd": last,
        }
        key = _encoded(observation)
        if key not in self._seen:
            self._seen.add(key)
            self._observations.append({**observation, "sequence": sequence})

    def _encode(
        self, note: _Note, context: dict[str, str], sequence: int
    ) -> tuple[list[bytes], str | None, str | None]:
        """Each row's canonical JSON, and the first and the last row's time; new rows are kept."""
        if note.rows is None:
            return [], None, None
        where = (context["asset"], context["timestep"], context["columns"], note.rows.memo_key())
        memo = self._memos.setdefault(where, {})
        found = []
        for place, key in enumerate(note.rows.keys()):
            row = memo.get(key)
            if row is None:
                values = note.rows.values(place)
                row = memo[key] = self._keep_row(values, note, context, sequence)
            found.append(row)
        return [row[1] for row in found], found[0][0], found[-1][0]

    def _keep_row(
        self, raw: list[Any], note: _Note, context: dict[str, str], sequence: int
    ) -> tuple[str, bytes]:
        values = [raw[0], *(_scalar(value) for value in raw[1:])]
        encoded = _encoded({**context, "values": values}).encode()
        fingerprint = hashlib.sha256(encoded).hexdigest()
        if fingerprint not in self._rows:
            if len(self._rows) >= self.max_rows:
                self._incomplete.add("row_limit")
            else:
                self._rows[fingerprint] = {
                    **context,
                    "rowSha256": fingerprint,
                    "barTime": values[0],
                    "firstObservedAt": note.observed,
                    "observedSequence": sequence,
                    **dict(zip(note.columns, values[1:], strict=True)),
                }
        return values[0], _encoded(values).encode()


def _untouched(frame: pd.DataFrame, window: Window | Resampled, columns: Sequence[str]) -> bool:
    """Whether the frame's market columns and index are still those of the window's rows."""
    if frame.index is not window.labels or len(frame) != window.rows:
        return False
    if isinstance(window, Window) and window.feed.detached:
        return False
    names = list(frame.columns)
    if len(set(names)) != len(names):
        return False
    for name in columns:
        try:
            own = window.column(name)
        except KeyError:
            return False
        # The array itself: frame[name] would leave a Series in the frame's cache.
        shown = frame._mgr.iget_values(names.index(name))
        if shown.dtype != own.dtype or shown.tobytes() != own.tobytes():
            return False
    return True
