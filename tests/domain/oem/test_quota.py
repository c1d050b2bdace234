"""Quotas keep their window, and the pace that they leave each account."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from domain.oem.quota import Quota, QuotaScope, bursts_per_min, in_force, paces_per_min

MINUTE, TEN_MINUTES, DAY = timedelta(minutes=1), timedelta(minutes=10), timedelta(days=1)
A_MINUTE = Quota(calls=20, window=MINUTE)
A_DAY = Quota(calls=200, window=DAY)
OF_CLIENT = Quota(calls=200, window=DAY, scope=QuotaScope.CLIENT)


def test_two_hundred_calls_a_day_are_not_one_a_minute() -> None:
    assert A_DAY.per_min == pytest.approx(200 / 1440)
    assert paces_per_min({"one": [A_MINUTE, A_DAY]}, {}) == {"one": pytest.approx(200 / 1440)}, "the tightest counts"


def test_what_an_answer_names_goes_before_what_was_published_for_the_same_window_only() -> None:
    named = [Quota(calls=100, window=MINUTE)]
    assert in_force([A_MINUTE, A_DAY], named) == (Quota(calls=100, window=MINUTE), A_DAY)
    assert paces_per_min({"one": [A_DAY]}, {"one": named}) == {"one": A_DAY.per_min}
    assert paces_per_min({"one": [A_DAY]}, {"one": [Quota(calls=300, window=DAY)]}) == {"one": 300 / 1440}


def test_a_window_that_nobody_published_counts_once_it_is_named() -> None:
    named = Quota(calls=120, window=TEN_MINUTES)
    assert in_force([], [named]) == (named,)
    assert paces_per_min({"one": []}, {"one": [named]}) == {"one": 12}


def test_the_client_s_quota_is_shared_by_its_accounts_and_an_account_s_is_not() -> None:
    of_each = paces_per_min({"one": [OF_CLIENT], "two": [OF_CLIENT]}, {})
    assert of_each == {"one": OF_CLIENT.per_min / 2, "two": OF_CLIENT.per_min / 2}
    assert sum(paces_per_min({"one": [A_DAY], "two": [A_DAY]}, {}).values()) == 2 * A_DAY.per_min
    again = paces_per_min({"one": [OF_CLIENT], "two": [OF_CLIENT]}, {"one": [Quota(calls=100, window=DAY)]})
    assert again["one"] == 100 / 1440 / 2, "an answer does not name the scope"


def test_a_days_quota_is_spent_as_fast_as_a_minutes_lets_it() -> None:
    assert bursts_per_min({"one": [A_DAY, A_MINUTE]}, {}) == {"one": 20}
    assert bursts_per_min({"one": [A_DAY]}, {}) == {"one": pytest.approx(200 / 1440)}
    of_client = A_MINUTE.model_copy(update={"scope": QuotaScope.CLIENT})
    shared = bursts_per_min({"one": [of_client, A_DAY], "two": [of_client, A_DAY]}, {})
    assert shared == {"one": 10, "two": 10}


def test_that_a_quota_slides_is_not_forgotten_when_an_answer_names_its_number() -> None:
    slides = A_DAY.model_copy(update={"slides": True})
    assert in_force([slides], [Quota(calls=300, window=DAY)]) == (slides.model_copy(update={"calls": 300}),)


def test_an_account_without_a_known_quota_has_no_pace() -> None:
    assert paces_per_min({"one": []}, {}) == {}


def test_a_quota_has_calls_and_a_window() -> None:
    with pytest.raises(ValidationError):
        Quota(calls=0, window=DAY)
    with pytest.raises(ValidationError):
        Quota(calls=1, window=timedelta())


def test_a_days_calls_are_there_for_its_first_hour_too() -> None:
    a_day = Quota(calls=200, window=timedelta(days=1))
    assert a_day.most_in(timedelta(hours=12)) == 200
    assert a_day.most_in(timedelta(hours=25)) == 400
    assert Quota(calls=10, window=timedelta(minutes=1)).most_in(timedelta(hours=1)) == 600
