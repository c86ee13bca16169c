#!/usr/bin/env python3
"""Fills the README and the docs with figures, and draws the page of plots, from stored results.

`python bench/report.py [--check]` reads bench/results, the ones that the documents quote;
`python bench/report.py --results FOLDER` draws the page of others and leaves the documents alone.
What stands in a document between `<!-- bench: ASK -->` and `<!-- /bench -->` is replaced by the
answer. ASK is one of

    table engine/momentum cpu times memory    a group: its columns, its rows (ROW=TITLE) or all
    grid data ours=millibar slice-none ...    groups, or all, by contenders, as times of ours
    values calls last-price ...               the same, in seconds
    growth growth/bars                        what one more costs, at the fewest and the most
    layers engine/momentum lumibot unchanged  microseconds an iteration by layer
    times engine/momentum lumibot unchanged   how many times the second's CPU the first takes
    cpu calls/last-price millibar             one median
    fact engine/momentum unchanged fills      one of a row's facts
    machine engine                            on what, of which commit
    losses                                    every row where a peer beats ours, and why

A name with spaces is written with "_" for each. --check writes nothing and fails where a document
does not say what the results say, or where a peer beats us and why.json does not say why.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

if not __package__:  # run as a file: import as `python -m bench.report` does
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from bench import page
from bench.measure import Group, Row, seconds, times
from bench.stored import Benchmark, Loss, best_of_ours, job, load_all, losses

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
DOCUMENTS = ("README.md", "docs/performance.md", "docs/plan.md")
MARK = re.compile(r"(<!-- bench: (?P<ask>[^>]*?) -->)(?P<said>.*?)(<!-- /bench -->)", re.DOTALL)
Results = dict[str, Benchmark]


# ---- Words for figures ---------------------------------------------------------------------------


def memory(row: Row) -> str:
    return "" if row.peak_mib is None else f"{row.peak_mib:,.0f} MiB"


def rate(row: Row) -> str:
    value = row.facts.get("bars_per_s")
    return "" if value is None else f"{value / 1e6:.3g} M" if value >= 1e5 else f"{value:,.0f}"


COLUMNS: dict[str, tuple[str, Callable[[Group, Row], str]]] = {
    "cpu": ("CPU", lambda group, row: seconds(row.samples.cpu)),
    "wall": ("wall", lambda group, row: seconds(row.samples.wall)),
    "spread": ("spread", lambda group, row: f"{row.samples.spread:.0%}"),
    "share": (
        "share of the CPU",
        lambda group, row: times(row.samples.cpu / base_of(group, row).samples.cpu),
    ),
    "times": (
        "times as fast",
        lambda group, row: times(base_of(group, row).samples.cpu / row.samples.cpu),
    ),
    "against": ("CPU, as times of ours", lambda group, row: of_ours(group, row)),
    "job": ("how", lambda group, row: job(row)),
    "memory": ("memory", lambda group, row: memory(row)),
    "start": ("start", lambda group, row: seconds(row.start_s) if row.start_s else ""),
    "first": ("first run", lambda group, row: seconds(row.first_s) if row.first_s else ""),
    "version": ("version", lambda group, row: row.version),
    "rule": ("fills", lambda group, row: row.rule),
    "rate": ("bars/s", lambda group, row: rate(row)),
    "size": ("size", lambda group, row: "" if row.size is None else f"{row.size:,}"),
}


def of_ours(group: Group, row: Row) -> str:
    """A peer's CPU as times that of the best of ours at its job."""
    best = best_of_ours(group, row)
    return "" if row.ours or best is None else times(row.samples.cpu / best.samples.cpu)


def base_of(group: Group, row: Row) -> Row:
    return group.row(group.base, row.size)


# ---- What a document may ask for -----------------------------------------------------------------


def group_of(results: Results, place: str) -> Group:
    name, _, group = place.partition("/")
    return benchmark_of(results, name).group(group)


def benchmark_of(results: Results, name: str) -> Benchmark:
    if name not in results:
        raise KeyError(f"there is no result of the benchmark {name!r}")
    return results[name]


def render_table(results: Results, place: str, *wanted: str) -> str:
    """Columns, and rows as ROW=TITLE where not all of them are wanted."""
    group = group_of(results, place)
    columns = [word for word in wanted if word in COLUMNS]
    chosen = [word.replace("_", " ").partition("=") for word in wanted if word not in COLUMNS]
    rows = [(row, row.who) for row in group.rows]
    if chosen:
        rows = [(group.row(who), title or who) for who, _, title in chosen]
    head = [group.title, *(COLUMNS[word][0] for word in columns)]
    body = [[title, *(COLUMNS[word][1](group, row) for word in columns)] for row, title in rows]
    return "\n" + markdown(head, body) + "\n"


def render_grid(results: Results, name: str, ours: str, *groups: str) -> str:
    """A line a group (all without them) and a column a contender: CPU as times of ours."""
    reference = ours.partition("=")[2].replace("_", " ")

    def cell(group: Group, row: Row) -> str:
        if row.who == reference:
            return seconds(row.samples.cpu)
        return times(row.samples.cpu / group.row(reference).samples.cpu)

    return grid("CPU, as times of ours", chosen_groups(results, name, groups), reference, cell)


def render_values(results: Results, name: str, *groups: str) -> str:
    """A line a group (all without them) and a column a contender: CPU."""
    found = chosen_groups(results, name, groups)
    first = found[0].base if found else ""
    return grid("CPU", found, first, lambda group, row: seconds(row.samples.cpu))


def chosen_groups(results: Results, name: str, wanted: Sequence[str]) -> list[Group]:
    if wanted:
        return [group_of(results, f"{name}/{group}") for group in wanted]
    every = benchmark_of(results, name).groups
    return [group for group in every if group.rows and not group.axis]


def grid(
    corner: str, groups: Sequence[Group], first: str, cell: Callable[[Group, Row], str]
) -> str:
    names = dict.fromkeys([first, *(row.who for group in groups for row in group.rows)])
    body = []
    for group in groups:
        cells = {row.who: cell(group, row) for row in group.rows}
        body.append([group.title, *(cells.get(who, "") for who in names)])
    return "\n" + markdown([corner, *names], body) + "\n"


def render_growth(results: Results, place: str) -> str:
    """CPU of one more at the smallest size and at the largest, and memory at the largest."""
    group = group_of(results, place)
    body = []
    for who in dict.fromkeys(row.who for row in group.rows):
        rows = sorted(
            (row.size, row) for row in group.rows if row.who == who and row.size is not None
        )
        (least, small), (most, large) = rows[0], rows[-1]
        body.append(
            [
                who,
                f"{least:,} to {most:,}",
                seconds(small.samples.cpu / least),
                seconds(large.samples.cpu / most),
                memory(large),
            ]
        )
    one = group.axis.rstrip("s")
    head = [group.title, group.axis, f"CPU a {one}, fewest", f"CPU a {one}, most", "memory, most"]
    return "\n" + markdown(head, body) + "\n"


def render_layers(results: Results, place: str, *chosen: str) -> str:
    """Microseconds an iteration by layer, a column a contender: WHO=TITLE, or all with layers."""
    group = group_of(results, place)
    words = [word.replace("_", " ").partition("=") for word in chosen]
    rows = [(group.row(who), title or who) for who, _, title in words]
    rows = rows or [(row, row.who) for row in group.rows if "layers_us" in row.facts]
    found = [row.facts["layers_us"] for row, _ in rows]
    layers = dict.fromkeys(layer for layers in found for layer in layers)
    body = [[layer, *(microseconds(one.get(layer)) for one in found)] for layer in layers]
    body.append(["together", *(microseconds(sum(one.values())) for one in found)])
    return "\n" + markdown(["us an iteration", *(title for _, title in rows)], body) + "\n"


def microseconds(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def render_times(results: Results, place: str, slow: str, fast: str) -> str:
    group = group_of(results, place)
    slow_row, fast_row = (group.row(word.replace("_", " ")) for word in (slow, fast))
    return times(slow_row.samples.cpu / fast_row.samples.cpu)


def render_cpu(results: Results, place: str, who: str) -> str:
    return seconds(group_of(results, place).row(who.replace("_", " ")).samples.cpu)


def render_fact(results: Results, place: str, who: str, *path: str) -> str:
    value: Any = group_of(results, place).row(who.replace("_", " ")).facts
    for word in path:
        value = value[word]
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def render_machine(results: Results, name: str) -> str:
    """A sentence: on what and when."""
    told = benchmark_of(results, name)
    have = told.machine
    quick = ", in its quick form" if told.quick else ""
    return (
        f"{have['cores']} cores of {have['cpu']}, {have['memory_gib']:.0f} GiB, {have['system']}, "
        f"Python {have['python']}; {told.date}, commit {told.commit}{quick}"
    )


def render_losses(results: Results) -> str:
    """Every job at which a peer takes less CPU than ours."""
    body = []
    for reason, group in explained(results):
        ratios = [loss.times for loss in group]
        low, high = times(min(ratios)), times(max(ratios))
        body.append(
            [
                ", ".join(dict.fromkeys(f"`{loss.place}`" for loss in group)),
                ", ".join(dict.fromkeys(loss.peer for loss in group)),
                low if low == high else f"{low} to {high}",
                reason["why"],
                reason["change"],
            ]
        )
    if not body:
        return "\nNone.\n"
    head = ["where", "peer", "times as fast as ours", "why", "what would change it"]
    return "\n" + markdown(head, body) + "\n"


RENDER: dict[str, Callable[..., str]] = {
    "table": render_table,
    "grid": render_grid,
    "values": render_values,
    "growth": render_growth,
    "layers": render_layers,
    "times": render_times,
    "cpu": render_cpu,
    "fact": render_fact,
    "machine": render_machine,
    "losses": render_losses,
}


def markdown(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


# ---- Where a peer beats us -----------------------------------------------------------------------


def reasons() -> list[dict[str, str]]:
    """why.json: {"where": pattern of benchmark/group, "peer": pattern, "why", "change"}."""
    found: list[dict[str, str]] = json.loads((HERE / "why.json").read_text(encoding="utf-8"))
    return found


def explained(results: Results) -> list[tuple[dict[str, str], list[Loss]]]:
    """The losses by the reason that is given for them.

    Raises:
        ValueError: one has none.
    """
    known = [(reason, list[Loss]()) for reason in reasons()]
    for benchmark in results.values():
        for loss in losses(benchmark):
            for reason, group in known:
                if fnmatch(loss.place, reason["where"]) and fnmatch(loss.peer, reason["peer"]):
                    group.append(loss)
                    break
            else:
                raise ValueError(
                    f"{loss.peer} is {times(loss.times)} times as fast as {loss.ours} at "
                    f"{loss.place}: mend it, or say in bench/why.json why and what would change it"
                )
    return [(reason, group) for reason, group in known if group]


# ---- Documents -----------------------------------------------------------------------------------


def fill(text: str, results: Results) -> str:
    """The document with every figure it asks for.

    Raises:
        ValueError: it asks for something that the results do not have.
    """

    def answer(match: re.Match[str]) -> str:
        kind, *words = match["ask"].split()
        if kind not in RENDER:
            raise ValueError(f"no such figure: {match['ask']!r}; there are {', '.join(RENDER)}")
        try:
            said = RENDER[kind](results, *words)
        except (KeyError, TypeError) as error:
            raise ValueError(f"{match['ask']!r}: {error}") from None
        return match[1] + said + match[4]

    return MARK.sub(answer, text)


def rewrite(results: Results, *, check: bool) -> list[str]:
    """The documents that do not say what the results say; rewritten unless `check`."""
    stale = []
    for name in DOCUMENTS:
        path = ROOT / name
        text = path.read_text(encoding="utf-8")
        filled = fill(text, results)
        if filled != text:
            stale.append(name)
            if not check:
                path.write_text(filled, encoding="utf-8")
    explained(results)
    return stale


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--results", type=Path, metavar="FOLDER", help="other results than kept")
    parser.add_argument("--check", action="store_true", help="write nothing, tell what is stale")
    chosen = parser.parse_args(arguments)
    folder = chosen.results or HERE / "results"
    try:
        results = load_all(folder)
        if not results:
            raise ValueError(f"no results in {folder}: run `make bench` first")
        stale = [] if chosen.results else rewrite(results, check=chosen.check)
    except ValueError as error:
        print(f"report: {error}", file=sys.stderr)
        return 1
    if chosen.check:
        for name in stale:
            print(f"report: {name} is not what bench/results say: run bench/report.py")
        return 1 if stale else 0
    for name in stale:
        print(f"rewritten: {name}")
    (folder / "index.html").write_text(page.draw(results), encoding="utf-8")
    print(f"plots: {folder / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
