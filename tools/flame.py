"""Flame graphs from what `perf script` prints: stacks folded, drawn as one SVG file.

A box is a function, as wide as its share of the samples in which it was on the stack; what hangs
below it was called by it. Colour tells whose code it is: ours, Python's, the kernel's, other
libraries'. The SVG needs no script: a browser shows a box's numbers when the pointer rests on it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from html import escape

WIDTH, ROW, FONT = 1600, 17, 11
LEAST = 0.0005  # of all samples: narrower boxes are left out
COLOURS = (
    (re.compile(r"^_?mbar_|\[(mbar|_core|mes_momentum)"), "#e8a33d"),
    (re.compile(r"^_?Py|\[python|\[libpython"), "#6fa8dc"),
    (re.compile(r"\[\[?kernel"), "#b0b0b0"),
)
OTHER = "#c9c2a6"

Stack = tuple[str, ...]


def fold(script: Iterable[str]) -> Counter[Stack]:
    """Samples of each stack, outermost function first; a function is "name [object]"."""
    found: Counter[Stack] = Counter()
    frames: list[str] = []
    for line in script:
        if line.startswith(("\t", " ")) and line.strip():
            match = re.match(r"\s+[0-9a-f]+ (.+?)(?:\+0x[0-9a-f]+)? \((.+)\)$", line.rstrip())
            if match:
                frames.append(f"{match.group(1)} [{match.group(2).rsplit('/', 1)[-1]}]")
        elif not line.strip() and frames:
            found[tuple(reversed(frames))] += 1
            frames = []
    if frames:
        found[tuple(reversed(frames))] += 1
    return found


class Box:
    """A function on a stack: samples in it and on it, and what it called."""

    def __init__(self) -> None:
        self.n = 0
        self.calls: dict[str, Box] = {}


def tree(stacks: Counter[Stack]) -> Box:
    root = Box()
    for stack, n in stacks.items():
        root.n += n
        box = root
        for name in stack:
            box = box.calls.setdefault(name, Box())
            box.n += n
    return root


def depth(box: Box, least: int) -> int:
    return 1 + max(
        (depth(each, least) for each in box.calls.values() if each.n >= least), default=0
    )


def colour(name: str) -> str:
    return next((value for pattern, value in COLOURS if pattern.search(name)), OTHER)


def boxes(box: Box, name: str, left: float, level: int, total: int) -> Iterator[str]:
    width = WIDTH * box.n / total
    top = ROW * level
    label = escape(name)
    shown = int(width / (FONT * 0.6))
    text = escape(name[:shown]) if shown > 3 else ""
    yield (
        f'<g><title>{label}: {box.n:,} samples, {box.n / total:.2%}</title><rect x="{left:.1f}" '
        f'y="{top}" width="{width:.1f}" height="{ROW - 1}" fill="{colour(name)}"/>'
        f'<text x="{left + 2:.1f}" y="{top + FONT + 1}">{text}</text></g>'
    )
    for callee in sorted(box.calls):
        each = box.calls[callee]
        if each.n >= LEAST * total:
            yield from boxes(each, callee, left, level + 1, total)
        left += WIDTH * each.n / total


def svg(stacks: Counter[Stack], title: str) -> str:
    """The drawing, callers above what they call."""
    root = tree(stacks)
    total = max(1, root.n)
    height = ROW * depth(root, max(1, int(LEAST * total)))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'font-family="monospace" font-size="{FONT}">',
            *boxes(root, title, 0.0, 0, total),
            "</svg>",
            "",
        ]
    )


def listing(stacks: Counter[Stack], n_lines: int = 30) -> str:
    """The functions that took most: samples in themselves, and with all they called."""
    own: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    for stack, n in stacks.items():
        own[stack[-1]] += n
        for name in set(stack):
            whole[name] += n
    total = max(1, sum(stacks.values()))
    lines = [f"{'self':>7}{'total':>8}  function [object], of {total:,} samples"]
    for name, n in own.most_common(n_lines):
        lines.append(f"{n / total:>7.1%}{whole[name] / total:>8.1%}  {name}")
    return "\n".join(lines) + "\n"
