"""More than twenty thousand seeded requests, answered alike by lumibot's data source and ours.

One test a scenario of `parity_data`; its failure names the first requests that differ, with both
values. MILLIBAR_PARITY_SUBJECT=lumibot judges lumibot against itself: it must pass, and shows that
the judge is deterministic.
"""

from __future__ import annotations

import warnings

import offline
import pytest

pytest.importorskip("lumibot", reason="lumibot, the reference, is not installed")

from parity_data import Scenario, random_scenario, scenarios
from parity_requests import judge, requests_of

SCENARIOS = scenarios()
# And some drawn by chance: assets, calendars, steps, types, zones, holes, columns.
N_BY_CHANCE = 12
# A scenario whose answers were all None would judge nothing.
LEAST_ANSWERED = 0.3


def test_the_requests_are_more_than_twenty_thousand_and_repeatable() -> None:
    assert sum(scenario.n_requests for scenario in SCENARIOS) >= 20_000
    assert len({scenario.name for scenario in SCENARIOS}) == len(SCENARIOS)
    for scenario in (*SCENARIOS[:3], random_scenario(0)):
        assert list(map(str, requests_of(scenario))) == list(map(str, requests_of(scenario)))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_every_answer_is_lumibots(scenario: Scenario) -> None:
    offline.quiet()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        verdict = judge(offline.reference_class(), offline.subject_class(), scenario)
    assert verdict.n_asked == scenario.n_requests
    assert not verdict.findings, verdict.report()
    nothing = sum(n for label, n in verdict.answers.items() if label.endswith("NoneType"))
    assert nothing <= (1 - LEAST_ANSWERED) * verdict.n_asked


@pytest.mark.parametrize("number", range(N_BY_CHANCE))
def test_every_answer_is_lumibots_on_chance_data(number: int) -> None:
    offline.quiet()
    scenario = random_scenario(number)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        verdict = judge(offline.reference_class(), offline.subject_class(), scenario)
    assert verdict.n_asked == scenario.n_requests
    assert not verdict.findings, verdict.report()
