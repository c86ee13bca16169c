"""Where two engines first part, seed by seed, and a summary by kind.

    python compare.py --seeds 0:500               ours against lumibot, a line to each kind
    python compare.py --seeds 17 --around 4       the rows about the first difference of seed 17
    python compare.py --seeds 0:100 --all         a line to each seed that differs

Only a scenario's first difference is told: what follows it is its consequence. Values are compared
by their bits; types of values (np.float64 or float) are compared too, and told apart, since a run
goes on unharmed by them. The texts of exceptions are each engine's own.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.harness import Key, Records, answers
from engine.worker import seeds_of

ROW_FIELDS = {
    "": ("what", "clock", "cash", "value", "held"),
    "iteration": ("turn", "active"),
    "did": ("action", "symbol", "answer", "active"),
    "raised": ("action", "symbol", "error", "message", "active"),
    "on_new_order": ("order", "side", "type", "status", "quantity", "fill_price"),
    "on_canceled_order": ("order", "side", "type", "status", "quantity", "fill_price"),
    "on_filled_order": (
        *("order", "side", "type", "status", "quantity", "fill_price"),
        *("price", "filled", "multiplier", "position"),
    ),
}
# Parts of a record after what the strategy saw, in the order in which they are told.
PARTS = ("error", "events", "orders", "positions", "cash", "portfolio_value", "stats")


@dataclass(frozen=True)
class Difference:
    """One scenario's first difference."""

    key: Key
    kind: str  # for the summary
    text: str  # for the reader
    row: int = -1  # of what the strategy saw
    soft: bool = False  # of types only

    def line(self, record: dict[str, Any]) -> str:
        about = record.get("scenario", {})
        names = [str(about[k]) for k in ("kind", "profile", "market", "sleep") if k in about]
        return f"seed {self.key} ({'/'.join(names)}) {self.text}"


# ---- Values ------------------------------------------------------------------------------------


def split(value: Any) -> tuple[Any, str]:
    """A written value as what it says and what it is made of."""
    if isinstance(value, str):
        if value.startswith("types:"):
            return "", value
        said, bar, made = value.rpartition("|")
        if bar:
            return said, made
    return value, type(value).__name__


def shown(value: Any) -> str:
    """As a reader wants it: numbers as numbers."""
    if isinstance(value, list):
        return "[" + ", ".join(shown(member) for member in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {shown(v)}" for k, v in value.items() if v is not None) + "}"
    said, _ = split(value)
    if isinstance(said, str) and "0x" in said:
        return repr(float.fromhex(said))
    return str(said)


Found = tuple[str, Any, Any]


def unequal(a: Any, b: Any, soft: bool, where: str = "") -> Found | None:
    """The first place where a and b differ, in value or (soft) in type."""
    if isinstance(a, list) and isinstance(b, list):
        for i, (x, y) in enumerate(zip(a, b, strict=False)):
            found = unequal(x, y, soft, f"{where}[{i}]")
            if found:
                return found
        if len(a) != len(b) and not soft:
            return (f"{where} length", a, b)
        return None
    if isinstance(a, dict) and isinstance(b, dict):
        for name in [*a, *(name for name in b if name not in a)]:
            found = unequal(a.get(name, "absent"), b.get(name, "absent"), soft, f"{where}.{name}")
            if found:
                return found
        return None
    (said_a, made_a), (said_b, made_b) = split(a), split(b)
    if soft:
        return None if made_a == made_b else (where, made_a, made_b)
    return None if said_a == said_b else (where, a, b)


# ---- Rows --------------------------------------------------------------------------------------


def _field(row: list[Any], place: int) -> str:
    names = ROW_FIELDS[""] + ROW_FIELDS.get(str(row[0]), ())
    return names[place] if place < len(names) else f"[{place}]"


def told(row: list[Any] | None) -> str:
    """A row in a few words."""
    if row is None:
        return "nothing"
    what, more = row[0], row[5:]
    if what == "on_filled_order":
        return f"fill of {more[0]} {more[1]} {more[2]} {shown(more[4])} at {shown(more[6])}"
    if what in ("on_new_order", "on_canceled_order"):
        return f"{what[3:-6]} {more[0]} {more[1]} {more[2]}"
    if what == "did":
        return f"{more[0]} {more[1]}"
    if what == "raised":
        return f"{more[0]} {more[1]} raised {more[2]}"
    return what


def _label(row: list[Any] | None) -> str:
    if row is None:
        return "nothing"
    if row[0] == "on_filled_order":
        return f"fill {row[7]}"
    if row[0] in ("on_new_order", "on_canceled_order"):
        return f"{row[0][3:-6]} {row[7]}"
    if row[0] in ("did", "raised"):
        return f"{row[0]} {row[5]}"
    return row[0]


def _clock(row: list[Any] | None) -> str:
    return "the end" if row is None else split(row[1])[0]


def _terms(rows: list[Any], name: str) -> str:
    """How an order was made, from the answer to the call that made it."""
    for row in rows:
        if row[0] == "did":
            found = _find(row[7], name)
            if found:
                keys = "order_class quantity limit_price stop_price stop_limit_price trail_price"
                keys += " trail_percent time_in_force"
                terms = [f"{k}={shown(found[k])}" for k in keys.split() if found.get(k) is not None]
                return f" ({name} made {split(row[1])[0]}: {', '.join(terms)})"
    return ""


def _find(answer: Any, name: str) -> dict[str, Any] | None:
    if not isinstance(answer, list):
        return None
    if len(answer) == 2 and answer[0] == name and isinstance(answer[1], dict):
        return answer[1]
    for member in answer:
        inner = member.get("children") if isinstance(member, dict) else member
        found = _find(inner, name)
        if found:
            return found
    return None


def _rows_differ(key: Key, a: list[Any], b: list[Any], soft: bool) -> Difference | None:
    for i in range(max(len(a), len(b))):
        x = a[i] if i < len(a) else None
        y = b[i] if i < len(b) else None
        if x is None or y is None or x[0] != y[0]:
            return None if soft else _other_row(key, a, b, i, x, y)
        found = _within(x, y, soft)
        if found:
            return _in_row(key, a, i, x, y, found, soft)
    return None


def _within(x: list[Any], y: list[Any], soft: bool) -> tuple[int, Found] | None:
    """The first field of a row that differs; an exception's text is not compared."""
    text = 8 if x[0] == "raised" else -1
    for place in range(max(len(x), len(y))):
        one = x[place] if place < len(x) else "absent"
        other = y[place] if place < len(y) else "absent"
        if place == text:
            continue
        found = unequal(one, other, soft)
        if found:
            return place, found
    return None


def _other_row(key: Key, rows: list[Any], ours: list[Any], i: int, x: Any, y: Any) -> Difference:
    order = next((r[5] for r in (x, y) if r is not None and str(r[0]).startswith("on_f")), None)
    terms = _terms(rows[:i], order) if order else ""
    text = f"@ {_clock(x or y)}: lumibot {told(x)}, ours {told(y)}{terms}"
    if x is not None and y is not None and x[1] != y[1]:
        text += f" @ {_clock(y)}"
    return Difference(key, f"lumibot: {_label(x)} | ours: {_label(y)}", text, i)


def _in_row(
    key: Key, rows: list[Any], i: int, x: Any, y: Any, found: tuple[int, Found], soft: bool
) -> Difference:
    place, (where, one, other) = found
    name = _field(x, place)
    inner = where.split("[")[0] if where.startswith(".") else where
    deep = next((p for p in reversed(where.split(".")) if p.isidentifier()), "")
    kind = f"{name}{'.' + deep if deep else ''} at {_label(x)}"
    order = x[5] if str(x[0]).startswith("on_") and len(x) > 5 else None
    terms = _terms(rows[:i], order) if order and place >= 5 else ""
    values = f"lumibot {shown(one)}, ours {shown(other)}"
    text = f"@ {_clock(x)} {told(x)}: {name}{inner}: {values}{terms}"
    return Difference(key, ("types: " if soft else "") + kind, text, i, soft)


# ---- Records -----------------------------------------------------------------------------------


Record = dict[str, Any]


def compare(key: Key, a: Record, b: Record, soft: bool = False) -> Difference | None:
    """lumibot's record against ours."""
    if "unusable" in a:
        return Difference(key, "lumibot: unusable", f"lumibot: {a['unusable']}")
    if "unusable" in b:
        return None if soft else Difference(key, f"ours: {b['unusable'][:90]}", b["unusable"])
    if not soft and b["error"] and not a["error"]:
        early = _rows_differ(key, a["seen"], b["seen"], soft)
        where = f" after: {early.text}" if early else ""
        name, message = b["error"]
        return Difference(key, f"ours raised {name}: {message[:70]}", f"{name}: {message}{where}")
    found = _rows_differ(key, a["seen"], b["seen"], soft)
    if found:
        return found
    for part in PARTS:
        where = _part_differs(part, a[part], b[part], soft)
        if where:
            path, one, other = where
            text = f"at the end, {part}{path}: lumibot {shown(one)}, ours {shown(other)}"
            deep = path.split(".")[-1].split("[")[0]
            return Difference(key, f"{'types: ' if soft else ''}{part} {deep}", text, soft=soft)
    return None


def _part_differs(part: str, a: Any, b: Any, soft: bool) -> Found | None:
    if part == "error":
        names = (a and a[0], b and b[0])
        if soft:
            return unequal(a and a[1:], b and b[1:], False)
        return unequal(*names, False)
    return unequal(a, b, soft)


def differences(keys: list[Key], reference: Records, ours: Records) -> list[Difference]:
    """The first difference of each scenario that has one."""
    found = (compare(key, reference[key], ours[key]) for key in keys)
    return [one for one in found if one is not None]


def soft_differences(keys: list[Key], reference: Records, ours: Records) -> list[Difference]:
    """Differences of types, of scenarios that are otherwise equal."""
    found = (compare(key, reference[key], ours[key], soft=True) for key in keys)
    return [one for one in found if one is not None]


def summary(found: list[Difference], reference: Records, most: int = 40) -> list[str]:
    """A line to each kind, most frequent first: how often, which seeds, one of them told."""
    counts = Counter(one.kind for one in found)
    lines = []
    for kind, count in counts.most_common(most):
        of_kind = sorted((one for one in found if one.kind == kind), key=_size(reference))
        seeds = ",".join(str(one.key) for one in of_kind[:6])
        lines.append(f"{count:4} x {kind}   [seeds {seeds}{',...' if count > 6 else ''}]")
        lines.append(f"       {of_kind[0].line(reference[of_kind[0].key])[:400]}")
    return lines


def _size(reference: Records) -> Any:
    """The smallest scenario of a kind is the one to look at."""
    return lambda one: len(reference[one.key].get("seen", ()))


# ---- At the terminal ---------------------------------------------------------------------------


def _around(key: Key, difference: Difference | None, a: Any, b: Any, rows: int) -> None:
    at = difference.row if difference and difference.row >= 0 else len(a.get("seen", ()))
    print(f"--- seed {key}: {a.get('scenario')}")
    for i in range(max(at - rows, 0), at + rows + 1):
        x = a["seen"][i] if i < len(a["seen"]) else None
        y = b["seen"][i] if i < len(b.get("seen", ())) else None
        same = x is not None and y is not None and _within(x, y, False) is None
        print(f"  {i}{'  ' if same else ' !'} lumibot {shown(x)[:1500]}")
        if not same:
            print(f"     ours    {shown(y)[:1500]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="0:100", help="17, 0:500 or 1,4,10:12")
    parser.add_argument("--runs", default="", help="named runs beside the seeds, with commas")
    parser.add_argument("--jobs", type=int, default=1, help="worker processes of each engine")
    parser.add_argument("--subject", default="millibar", choices=("millibar", "lumibot"))
    parser.add_argument("--all", action="store_true", help="a line to each seed that differs")
    parser.add_argument("--soft", action="store_true", help="differences of types too")
    parser.add_argument("--around", type=int, default=0, help="rows about the first difference")
    folder = os.environ.get("MILLIBAR_REFERENCE_CACHE", tempfile.gettempdir() + "/millibar-engine")
    parser.add_argument("--cache", default=folder, help="where lumibot's answers are kept")
    arguments = parser.parse_args()
    keys: list[Key] = list(seeds_of(arguments.seeds)) if arguments.seeds else []
    keys += [name for name in arguments.runs.split(",") if name]
    began = time.monotonic()
    reference = answers("lumibot", keys, arguments.jobs, Path(arguments.cache))
    middle = time.monotonic()
    ours = answers(arguments.subject, keys, arguments.jobs)
    found = differences(keys, reference, ours)
    if arguments.all:
        print("\n".join(one.line(reference[one.key]) for one in found))
    elif not arguments.around:
        print("\n".join(summary(found, reference)))
    if arguments.around:
        by_key = {one.key: one for one in found}
        for key in keys:
            _around(key, by_key.get(key), reference[key], ours[key], arguments.around)
    equal = [key for key in keys if key not in {one.key for one in found}]
    soft = soft_differences(equal, reference, ours)
    if arguments.soft:
        print("\n".join(summary(soft, reference)))
    seconds = [sum(r.get("cpu_s", 0) for r in side.values()) for side in (reference, ours)]
    print(
        f"{len(equal)} of {len(keys)} equal"
        f" ({len(soft)} of them with other types: --soft)."
        f" CPU: lumibot {seconds[0]:.1f} s, ours {seconds[1]:.1f} s;"
        f" here {middle - began:.0f} + {time.monotonic() - middle:.0f} s."
    )


if __name__ == "__main__":
    main()
