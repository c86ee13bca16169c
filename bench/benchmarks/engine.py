"""The MES momentum strategy everywhere it runs: lumibot's data sources, ours, and our own engine.

The strategy as it is inside lumibot and on our engine, a variant on numpy, one on the engine's
indicators, and one in C make the same trades, checked before any time is told. lumibot's DataBento
classes fill by another rule and over other bars, so they stand beside with their own. Of each
contender there is where its time goes (`layers`, shares; `layers_us`, microseconds an iteration)
and what it calls (`counts`). The runs are those of momentum.py.
"""

from __future__ import annotations

from bench.benchmarks.momentum import runs
from bench.measure import Group, Options, seconds, show

SIDES = (
    "lumibot",
    "lumibot-databento-pandas",
    "lumibot-databento-polars",
    "inside",
    "inside-databento-pandas",
    "inside-databento-polars",
    "lumibot-numpy",
    "unchanged",
    "numpy",
    "native",
    "C",
)


def run(options: Options) -> list[Group]:
    taken = runs(options)
    answer = taken.answers["unchanged"][0]
    group = Group(
        name="momentum",
        title=f"MES momentum, {taken.days}, {taken.iterations:,} iterations",
        unit="run",
        base="lumibot",
        rows=[taken.row(side) for side in SIDES if side in taken.answers],
        verified=f"same trades: {answer['fills']} fills, hash {answer['hash']}",
        skipped=dict(taken.skipped),
    )
    if options.quick:
        for side in SIDES:
            if side not in taken.answers and side not in group.skipped:
                group.skipped[side] = "not with --quick"
    show(group)
    tell(group)
    return [group]


def tell(group: Group) -> None:
    """What the table does not show: how many times as fast, and where the time goes."""
    base = group.row(group.base).samples.cpu
    for row in group.rows:
        layers = row.facts.get("layers", {})
        where = ", ".join(f"{layer} {share:.0%}" for layer, share in layers.items())
        counts = row.facts.get("counts", {})
        called = ", ".join(f"{what.replace('_', ' ')} {n:,}" for what, n in counts.items())
        rest = row.facts.get("rest_us")
        outside = "" if rest is None else f"; outside the user's code {rest:.0f} us an iteration"
        print(
            f"  {row.who}: {base / row.samples.cpu:.1f}x, start {seconds(row.start_s or 0.0)}",
            end="",
        )
        print(f"; {where}{outside}" if where else "", end="")
        print(f"; {called}" if called else "")
