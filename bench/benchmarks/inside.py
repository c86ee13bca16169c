"""The MES momentum workload inside lumibot: its data sources and ours in their place.

One line of a program changes, the class of the data source; the strategy, the broker and all else
are lumibot's on both sides. The runs are those of momentum.py.
"""

from __future__ import annotations

from bench.benchmarks.momentum import runs
from bench.measure import Group, Options, show

KINDS = {
    "pandas": ("lumibot", "inside"),
    "databento-polars": ("lumibot-databento-polars", "inside-databento-polars"),
    "databento-pandas": ("lumibot-databento-pandas", "inside-databento-pandas"),
}


def run(options: Options) -> list[Group]:
    """A group for each of lumibot's backends; databento-pandas only in the whole form."""
    taken = runs(options)
    groups = []
    for kind, sides in KINDS.items():
        theirs, ours = sides
        if theirs not in taken.answers:
            print(f"inside: {kind} takes too long for --quick: skipped")
            continue
        answer = taken.answers[ours][0]
        group = Group(
            name=f"inside-{kind}",
            title=f"MES momentum, {taken.days}, inside lumibot over {kind}",
            unit="run",
            base=theirs,
            rows=[taken.row(side) for side in sides],
            verified=f"same trades: {answer['fills']} fills, hash {answer['hash']}",
        )
        # Within a group the two sides do have the same trades.
        for row in group.rows:
            row.facts["same_trades"] = True
        show(group)
        groups.append(group)
    return groups
