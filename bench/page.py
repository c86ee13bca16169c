"""The page of plots: one HTML file without scripts or anything fetched, from the stored results.

A group is drawn as bars of CPU medians on a logarithmic scale, a whisker from the fastest to the
slowest round; a group of growth as lines over its sizes, time and memory side by side, both axes
logarithmic so that linear growth is a straight line of slope one. Ours is in colour, peers in
grey, floors (no backtester at all) in outline.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

from bench.measure import Group, Row, seconds, times
from bench.stored import Benchmark, job

STYLE = """
:root { --ink: #1c1d21; --soft: #63666f; --line: #dcdde2; --ground: #fff; --ours: #c2410c;
  --peer: #8b909b; --s1: #c2410c; --s2: #0f6f9c; --s3: #3f7d20; --s4: #8a3ea8; --s5: #a16a00;
  --s6: #b3265a; --s7: #4b5563; --s8: #0d7a6f }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8ec; --soft: #a2a5ae; --line: #383a42;
  --ground: #17181c; --ours: #fb8c4b; --peer: #767b87; --s1: #fb8c4b; --s2: #56b4e0; --s3: #86c95f;
  --s4: #cf94e6; --s5: #e0b04a; --s6: #f07fa6; --s7: #a8b0bd; --s8: #4cc9b9 } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground);
  max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.7rem } h2 { font-size: 1.25rem; margin-top: 3rem } h3 { font-size: 1rem }
p, figcaption { color: var(--soft) } nav a { margin-right: 1rem } figure { margin: 1rem 0 2rem }
a { color: var(--s2) } svg { width: 100%; height: auto; display: block }
svg text { font: 12px system-ui, sans-serif; fill: var(--ink) } svg .soft { fill: var(--soft) }
svg .grid { stroke: var(--line) } svg .whisker { stroke: var(--ink); stroke-width: 1.5 }
.ours { fill: var(--ours) } .peer { fill: var(--peer) }
.floor { fill: none; stroke: var(--peer); stroke-dasharray: 3 2 }
details { color: var(--soft) } table { border-collapse: collapse; font-size: 13px }
td, th { padding: .15rem .7rem .15rem 0; text-align: right; border-bottom: 1px solid var(--line) }
td:first-child, th:first-child { text-align: left } .scroll { overflow-x: auto }
"""
WIDTH, LABELS, VALUES, LINE = 900, 240, 230, 24


class Scale:
    """A logarithmic axis from low to high onto pixels."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.low = 10.0 ** math.floor(math.log10(low))
        self.high = 10.0 ** math.ceil(math.log10(high))
        if self.high <= self.low:
            self.high = self.low * 10
        self._start, self._end = start, end

    def __call__(self, value: float) -> float:
        share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        return self._start + share * (self._end - self._start)

    def ticks(self) -> list[float]:
        first, last = round(math.log10(self.low)), round(math.log10(self.high))
        return [10.0**power for power in range(first, last + 1)]


def text(x: float, y: float, words: str, anchor: str = "start", kind: str = "") -> str:
    css = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{css}>{escape(words)}</text>'


def segment(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


# ---- Bars ----------------------------------------------------------------------------------------


def kind_of(row: Row) -> str:
    return "floor" if job(row) == "floor" else "ours" if row.ours else "peer"


def bars(group: Group) -> str:
    rows = sorted(group.rows, key=lambda row: row.samples.cpu)
    low = min(min(row.samples.cpu_s) for row in rows)
    high = max(max(row.samples.cpu_s) for row in rows)
    scale = Scale(max(low, 1e-9), max(high, 1e-9), LABELS, WIDTH - VALUES)
    bottom = LINE * len(rows) + 8
    parts = []
    for tick in scale.ticks():
        parts.append(segment(scale(tick), 0, scale(tick), bottom, "grid"))
        parts.append(text(scale(tick), bottom + 14, seconds(tick), "middle", "soft"))
    base = group.row(group.base).samples.cpu
    for number, row in enumerate(rows):
        top, sample = LINE * number + 4, row.samples
        middle = top + LINE / 2 - 2
        width = scale(sample.cpu) - LABELS
        parts.append(text(LABELS - 8, middle + 4, f"{row.who} {row.version}".strip(), "end"))
        parts.append(
            f'<rect x="{LABELS}" y="{top}" width="{width:.1f}" height="{LINE - 8}" rx="2"'
            f' class="{kind_of(row)}"/>'
        )
        ends = scale(min(sample.cpu_s)), scale(max(sample.cpu_s))
        parts.append(segment(ends[0], middle, ends[1], middle, "whisker"))
        said = seconds(sample.cpu)
        if row.who != group.base and base and sample.cpu:
            faster = sample.cpu < base
            ratio = times(base / sample.cpu if faster else sample.cpu / base)
            said += f", {ratio} times {'as fast as ' if faster else ''}{group.base}"
        parts.append(text(ends[1] + 8, middle + 4, said, "start", "soft"))
    height = bottom + 22
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img">{"".join(parts)}</svg>'


# ---- Lines ---------------------------------------------------------------------------------------


def lines(
    group: Group, value: Callable[[Row], float | None], shown: Callable[[float], str], heading: str
) -> str:
    """One chart: a line a contender over the sizes."""
    width, height, left, right, top, bottom = 440, 300, 64, 410, 24, 262
    points = {
        who: sorted(
            (row.size, found)
            for row in group.rows
            if row.who == who and row.size and (found := value(row)) is not None and found > 0
        )
        for who in dict.fromkeys(row.who for row in group.rows)
    }
    every = [point for line in points.values() for point in line]
    if not every:
        return ""
    across = Scale(min(x for x, _ in every), max(x for x, _ in every), left, right)
    up = Scale(min(y for _, y in every), max(y for _, y in every), bottom, top)
    parts = [text(left, 14, heading)]
    for tick in across.ticks():
        parts.append(segment(across(tick), top, across(tick), bottom, "grid"))
        parts.append(text(across(tick), bottom + 16, f"{tick:,.0f}", "middle", "soft"))
    for tick in up.ticks():
        parts.append(segment(left, up(tick), right, up(tick), "grid"))
        parts.append(text(left - 6, up(tick) + 4, shown(tick), "end", "soft"))
    parts.append(text((left + right) / 2, bottom + 34, group.axis, "middle", "soft"))
    for number, line in enumerate(points.values()):
        colour = f"var(--s{number % 8 + 1})"
        path = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in line)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for x, y in line:
            parts.append(f'<circle cx="{across(x):.1f}" cy="{up(y):.1f}" r="3" fill="{colour}"/>')
    return f'<svg viewBox="0 0 {width} {height}" role="img">{"".join(parts)}</svg>'


def growth(group: Group) -> str:
    names = dict.fromkeys(row.who for row in group.rows)
    key = " ".join(
        f'<span style="color: var(--s{number % 8 + 1})">&#9679;</span> {escape(who)}&ensp;'
        for number, who in enumerate(names)
    )
    time = lines(group, lambda row: row.samples.cpu, seconds, f"CPU a {group.unit}")
    memory = lines(group, lambda row: row.peak_mib, lambda mib: f"{mib:,.3g} MiB", "memory")
    side = 'style="display: grid; grid-template-columns: 1fr 1fr; gap: 1rem"'
    return f"<p>{key}</p><div {side}>{time}{memory}</div>"


# ---- The page ------------------------------------------------------------------------------------


def samples(group: Group) -> str:
    """Every figure that the plot was drawn from."""
    head = ["", "CPU", "wall", "spread", "rounds", "memory", "start", "first run", "fills"]
    body = [
        [
            row.who if row.size is None else f"{row.who}, {row.size:,} {group.axis}",
            seconds(row.samples.cpu),
            seconds(row.samples.wall),
            f"{row.samples.spread:.0%}",
            str(len(row.samples.cpu_s)),
            "" if row.peak_mib is None else f"{row.peak_mib:,.0f} MiB",
            "" if row.start_s is None else seconds(row.start_s),
            "" if row.first_s is None else seconds(row.first_s),
            row.rule,
        ]
        for row in group.rows
    ]
    return f"<details><summary>figures</summary>{table(head, body)}</details>"


def table(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    rows = "".join(line(cells, "td") for cells in body)
    return f'<div class="scroll"><table>{line(head, "th")}{rows}</table></div>'


def figure(group: Group) -> str:
    drawn = growth(group) if group.axis else bars(group)
    notes = [f"Found equal first: {group.verified}."] if group.verified else []
    notes += [f"{who} skipped: {why}." for who, why in group.skipped.items()]
    caption = f"<figcaption>{escape(' '.join(notes))}</figcaption>" if notes else ""
    heading = f"<h3>{escape(group.title)}, CPU a {escape(group.unit)}</h3>"
    return f"{heading}<figure>{drawn}{caption}{samples(group)}</figure>"


def section(benchmark: Benchmark) -> str:
    have = benchmark.machine
    told = (
        f"{have['cpu']}, {have['cores']} cores, {have['memory_gib']} GiB, {have['system']}, "
        f"Python {have['python']}; commit {benchmark.commit}, {benchmark.date}"
        f"{', quick form' if benchmark.quick else ''}. "
        + ", ".join(f"{package} {number}" for package, number in benchmark.versions.items())
    )
    figures = "".join(figure(group) for group in benchmark.groups if group.rows)
    name = escape(benchmark.name)
    return f'<h2 id="{name}">{name}: {escape(benchmark.what)}</h2><p>{escape(told)}</p>{figures}'


def draw(results: dict[str, Benchmark]) -> str:
    """The whole page."""
    links = "".join(f'<a href="#{escape(name)}">{escape(name)}</a>' for name in results)
    sections = "".join(section(benchmark) for benchmark in results.values())
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>millibar, measured</title><style>{STYLE}</style>"
        "<h1>millibar, measured</h1><p>CPU seconds, medians of interleaved rounds; whiskers span "
        "the fastest to the slowest round. Ours is in colour, peers in grey, bare loops in "
        f"outline. Scales are logarithmic.</p><nav>{links}</nav>{sections}</html>\n"
    )
