"""Which contract a continuous future stands for on a date.

A rule says how many business days before which anchor in or before the delivery month the next
contract takes over, and which months have contracts. Roots without a rule follow the quarters and
change on the 15th. Rules and dates are those lumibot 4.6 resolves symbols by; two calendars of CME
holidays stand behind them: the days Globex is shut, and the fewer days that are trade dates.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from millibar.assets import MONTH_CODES, contract_variants

_NEW_YORK = ZoneInfo("America/New_York")
_DAY = timedelta(days=1)
_QUARTERS = (3, 6, 9, 12)
_MONTHS = tuple(range(1, 13))
_ROLL_TIME = timedelta(minutes=5)
# Weekdays without a trade date that no rule gives: days of mourning, a holiday moved.
_UNRULY = frozenset({date(2004, 6, 11), date(2007, 1, 2), date(2018, 12, 5), date(2025, 1, 9)})


class Rule(NamedTuple):
    """Roll `days` business days before `anchor`; contracts deliver in `months`."""

    days: int
    anchor: str
    months: tuple[int, ...]


_GOLD = Rule(7, "first_notice", (2, 4, 6, 8, 10, 12))
_COIN = Rule(8, "last_friday", _MONTHS)
RULES: dict[str, Rule] = {
    **dict.fromkeys(("ES", "MES", "NQ", "MNQ", "YM", "MYM"), Rule(8, "third_friday", _QUARTERS)),
    "GC": _GOLD,
    "MGC": _GOLD,
    "SI": Rule(7, "third_last_weekday", (1, 3, 5, 7, 9, 12)),
    "CL": Rule(5, "oil", _MONTHS),
    "MCL": Rule(5, "micro_oil", _MONTHS),
    "NG": Rule(5, "gas", _MONTHS),
    **dict.fromkeys(
        ("BRR", "MBT", "ETHUSDRR", "MET", "BTCEURRR", "EBMEUR", "EEM", "ETHEURRR"), _COIN
    ),
}


def contract_month(symbol: str, at: datetime) -> tuple[int, int]:
    """(year, month) of delivery of the contract in force at `at`; New York time if naive."""
    if at.tzinfo is not None:
        at = at.astimezone(_NEW_YORK).replace(tzinfo=None)
    rule = RULES.get(symbol.upper())
    if rule is None:
        return _by_quarter(at)
    year, month = at.year, at.month
    while month not in rule.months:
        month += 1
    while at >= _roll_time(year, month, rule):
        year, month = _next_contract(year, month, rule.months)
    return year, month


def potential_contracts(symbol: str, now: datetime, primary: str) -> list[str]:
    """Symbols to try for a root: the next three quarters in every form, then the next three months;
    first of all `primary`, where it is one of them."""
    quarter = next((q for q in _QUARTERS if q >= now.month), 3)
    year = now.year
    if now.month in _QUARTERS and now.day >= 15:
        year, quarter = _next_contract(year, quarter, _QUARTERS)
    names: list[str] = []
    ahead = year, quarter
    for _ in range(3):
        code = MONTH_CODES[ahead[1] - 1]
        forms = contract_variants(f"{symbol}{code}", ahead[0])
        names += [forms[2], forms[1], f"{symbol}.{code}{ahead[0] % 100:02d}", forms[4]]
        ahead = _next_contract(*ahead, _QUARTERS)
    for months_on in range(1, 4):
        years, month = divmod(now.month + months_on - 1, 12)
        forms = contract_variants(f"{symbol}{MONTH_CODES[month]}", year + years)
        names += [forms[2], forms[1]]
    return list(dict.fromkeys([primary, *names] if primary in names else names))


def _by_quarter(at: datetime) -> tuple[int, int]:
    quarter = next(q for q in _QUARTERS if q >= at.month)
    if at.month == quarter and at.day >= 15:
        return _next_contract(at.year, quarter, _QUARTERS)
    return at.year, quarter


def _next_contract(year: int, month: int, months: tuple[int, ...]) -> tuple[int, int]:
    later = [m for m in months if m > month]
    return (year, later[0]) if later else (year + 1, months[0])


@lru_cache(maxsize=1024)
def _roll_time(year: int, month: int, rule: Rule) -> datetime:
    if rule.anchor == "first_notice":
        # The last trade date before the delivery month; the days before it are trade dates too.
        day = _trade_dates_before(date(year, month, 1), rule.days + 1)
    else:
        day = _weekdays_before(_ANCHORS[rule.anchor](year, month), rule.days)
    return datetime(day.year, day.month, day.day) + _ROLL_TIME


# ---- Anchors -----------------------------------------------------------------------------------


def _third_friday(year: int, month: int) -> date:
    return _weekday_of_month(year, month, 4, 3)


def _last_friday(year: int, month: int) -> date:
    return _globex_day(_last_weekday_of_month(year, month, 4))


def _third_last_weekday(year: int, month: int) -> date:
    return _weekdays_before(_month_after(year, month), 3)


def _oil(year: int, month: int, days: int = 3) -> date:
    """So many Globex days before the 25th, or the Globex day before it, of the month before."""
    last = date(year, month, 1) - _DAY
    day = _globex_day(last.replace(day=25))
    for _ in range(days):
        day = _globex_day(day - _DAY)
    return day


def _micro_oil(year: int, month: int) -> date:
    return _oil(year, month, days=4)


def _gas(year: int, month: int) -> date:
    return _trade_dates_before(date(year, month, 1), 3)


_ANCHORS = {
    "third_friday": _third_friday,
    "last_friday": _last_friday,
    "third_last_weekday": _third_last_weekday,
    "oil": _oil,
    "micro_oil": _micro_oil,
    "gas": _gas,
}


# ---- Days --------------------------------------------------------------------------------------


def _month_after(year: int, month: int) -> date:
    return date(year + month // 12, month % 12 + 1, 1)


def _weekday_of_month(year: int, month: int, weekday: int, n: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))


def _last_weekday_of_month(year: int, month: int, weekday: int) -> date:
    last = _month_after(year, month) - _DAY
    return last - timedelta(days=(last.weekday() - weekday) % 7)


def _weekdays_before(day: date, n: int) -> date:
    while n > 0:
        day -= _DAY
        n -= day.weekday() < 5
    return day


def _globex_day(day: date) -> date:
    """The day itself, or the one before it on which Globex trades."""
    while day.weekday() >= 5 or day in _globex_holidays(day.year):
        day -= _DAY
    return day


def _trade_dates_before(day: date, n: int) -> date:
    while n > 0:
        day -= _DAY
        n -= day.weekday() < 5 and day not in _trade_date_holidays(day.year)
    return day


def _observed(day: date) -> date:
    """A Saturday's holiday is kept on Friday, a Sunday's on Monday."""
    return day + timedelta(days={5: -1, 6: 1}.get(day.weekday(), 0))


def _good_friday(year: int) -> date:
    """Two days before Easter, by the Gregorian computus."""
    golden, century = year % 19, year // 100
    epact = (century - century // 4 - (8 * century + 13) // 25 + 19 * golden + 15) % 30
    epact -= (epact // 28) * (1 - (29 // (epact + 1)) * ((21 - golden) // 11))
    weekday = (year + year // 4 + epact + 2 - century + century // 4) % 7
    offset = epact - weekday
    month = 3 + (offset + 40) // 44
    return date(year, month, offset + 28 - 31 * (month // 4)) - 2 * _DAY


@lru_cache(maxsize=256)
def _globex_holidays(year: int) -> frozenset[date]:
    """New Year's Day (a Saturday's is not kept), Good Friday, Christmas."""
    new_year = date(year, 1, 1)
    days = {_good_friday(year), _observed(date(year, 12, 25))}
    if new_year.weekday() != 5:
        days.add(_observed(new_year))
    return frozenset(days)


@lru_cache(maxsize=256)
def _trade_date_holidays(year: int) -> frozenset[date]:
    """Those, and the other holidays of the United States' exchanges."""
    days = {
        _weekday_of_month(year, 1, 0, 3),
        _weekday_of_month(year, 2, 0, 3),
        _last_weekday_of_month(year, 5, 0),
        _observed(date(year, 7, 4)),
        _weekday_of_month(year, 9, 0, 1),
        _weekday_of_month(year, 11, 3, 4),
    }
    if year >= 2022:
        days.add(_observed(date(year, 6, 19)))
    return _globex_holidays(year) | days | {day for day in _UNRULY if day.year == year}
