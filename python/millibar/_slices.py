"""Ranges of rows of one pandas frame, at a third of the price of pandas' own slicing.

`frame.iloc[a:b]` finds out anew at every call what is the same for all ranges of one frame: which
blocks there are, what the index is made of, which notes go with it. A `Slicer` finds that out once
and then makes the views directly. What it makes is what `DataFrame._slice` makes: the same blocks
over the same memory, holding the same references, so that writes and copy-on-write go as they do.

It builds on how pandas keeps a frame, which is not public. So the first slice is made both ways and
compared; where they differ in anything, or the frame is of another kind, pandas slices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from weakref import ref

import numpy as np

_AT_ONCE = 64


class Slicer:
    """Rows [first, end) of `whole` as DataFrames that share its memory.

    `whole` may be written to; one that gets other columns, another index or other notes (`attrs`)
    is sliced by pandas until a new Slicer is made.
    """

    __slots__ = ("_fast", "whole")

    def __init__(self, whole: Any) -> None:
        self.whole = whole
        self._fast = _fast_slicing(whole)

    def __call__(self, first: int, end: int) -> Any:
        fast = self._fast
        frame = None if fast is None else fast(first, end)
        return self.whole._slice(slice(first, end)) if frame is None else frame


def _fast_slicing(whole: Any) -> Callable[[int, int], Any] | None:
    """What makes slices of this frame fast; None where pandas has to."""
    try:
        make = _views_of(whole)
        same = make is not None and _alike(make(0, len(whole)), whole._slice(slice(0, len(whole))))
    except (AttributeError, ImportError, KeyError, TypeError, ValueError, AssertionError):
        return None
    return make if same else None


def _views_of(whole: Any) -> Callable[[int, int], Any] | None:
    """The slicing itself, over everything that ranges of one frame have in common.

    Objects are filled in by hand where pandas' constructors would check, call and convert: what
    they come to is what `_alike` compares.
    """
    import pandas
    from pandas._libs.arrays import NDArrayBacked

    frame_class: Any = pandas.DataFrame
    index_class: Any = pandas.DatetimeIndex
    manager = whole._mgr
    blocks, (items, index) = manager.blocks, manager.axes
    if type(whole) is not frame_class or type(index) is not index_class or index.freq is not None:
        return None
    pieces = [(type(block), block.values, block._mgr_locs, block.refs) for block in blocks]
    stamps, flags_class = index._data, type(whole.flags)
    manager_class: Any = type(manager)
    make: Any = object.__new__
    make_manager = manager_class.__new__
    make_array = vars(NDArrayBacked)["_simple_new"].__get__(None, type(stamps))
    places = _copies_of(manager.blknos, manager.blklocs)
    moments, dtype, name, holders = stamps._ndarray, stamps._dtype, index._name, index._references
    hold = holders.add_index_reference
    notes = vars(whole)
    # By this pandas 2 knows, and warns, that a write into the slice is one into the whole as well.
    origin = ref(whole) if "_is_copy" in notes else None

    def views(first: int, end: int) -> Any:
        axes = manager.axes
        if (
            notes["_mgr"] is not manager
            or manager.blocks is not blocks
            or axes[0] is not items
            or axes[1] is not index
            or index._name != name
            or notes["_attrs"]
            or not notes["_flags"]._allows_duplicate_labels
        ):
            return None
        cut = slice(first, end)
        rows = make(index_class)
        rows._data = array = make_array(moments[cut], dtype)
        array._freq = None
        rows._name, rows._cache, rows._references, rows._id = name, {}, holders, make(object)
        hold(rows)
        across = (..., cut)
        parts = [kind(values[across], at, 2, refs) for kind, values, at, refs in pieces]
        part = make_manager(manager_class, tuple(parts), [items, rows], False)
        part._blknos, part._blklocs = next(places)
        frame = make(frame_class)
        own = frame.__dict__
        own["_is_copy"], own["_mgr"], own["_item_cache"], own["_attrs"] = origin, part, {}, {}
        own["_flags"] = flags = make(flags_class)
        flags._allows_duplicate_labels, flags._obj = True, ref(frame)
        return frame

    return views


def _copies_of(numbers: Any, places: Any) -> Iterator[Any]:
    """For ever pairs of copies of two arrays: else the first column asked of a frame would be the
    one to work them out. Made many at a time, which takes a third of the time."""
    while True:
        yield from zip(*(np.tile(array, (_AT_ONCE, 1)) for array in (numbers, places)), strict=True)


def _alike(one: Any, other: Any) -> bool:
    """Whether two slices are made of the same parts over the same memory."""

    def parts(frame: Any) -> list[Any]:
        manager = frame._mgr
        items, index = manager.axes
        blocks = [
            (type(block), _memory(block.values), str(block._mgr_locs), id(block.refs))
            for block in manager.blocks
        ]
        stamps = index._data
        return [
            blocks,
            (type(frame), type(manager), type(index), type(stamps), set(vars(frame))),
            (id(items), id(index._references), index._name, stamps._freq),
            (_memory(stamps._ndarray), stamps._dtype, set(vars(index)), type(stamps._freq)),
            (manager.blknos.tolist(), manager.blklocs.tolist(), set(vars(frame._flags))),
            (frame._attrs, frame.flags.allows_duplicate_labels, getattr(frame, "_is_copy", None)),
        ]

    return parts(one) == parts(other)


def _memory(values: Any) -> tuple[Any, ...]:
    """Where an array lies, of what it is and whether it can be written to."""
    return (
        values.__array_interface__["data"],
        values.shape,
        values.strides,
        values.dtype,
        values.flags.writeable,
    )
