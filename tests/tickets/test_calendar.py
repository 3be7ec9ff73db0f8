"""Business time: which seconds count."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries, Settings

from tickets import calendar, calendar_mx
from tickets.calendar import Hours
from tickets.models import Holiday, OpeningHours

HOUR = 3600
MEXICO, MADRID = ZoneInfo("America/Mexico_City"), ZoneInfo("Europe/Madrid")
OFFICE = (((9 * HOUR, 14 * HOUR), (16 * HOUR, 18 * HOUR)),) * 5 + ((), ())


def hours(zone: ZoneInfo = MEXICO, *holidays: date) -> Hours:
    return Hours(OFFICE, frozenset(holidays), zone, version=1)


def local(zone: ZoneInfo, *parts: int) -> datetime:
    return datetime(*parts, tzinfo=zone)  # type: ignore[misc,arg-type]


def test_without_a_calendar_every_second_counts() -> None:
    assert Hours().seconds(local(MEXICO, 2026, 11, 20), local(MEXICO, 2026, 11, 23)) == 72 * HOUR


def test_only_the_hours_of_attention_count() -> None:
    friday, monday = local(MEXICO, 2026, 11, 20, 13), local(MEXICO, 2026, 11, 23, 10, 30)
    assert hours().seconds(friday, monday) == (1 + 2 + 1.5) * HOUR


def test_a_holiday_counts_nothing() -> None:
    sunday, tuesday = local(MEXICO, 2026, 11, 15), local(MEXICO, 2026, 11, 17, 10)
    assert hours(MEXICO, date(2026, 11, 16)).seconds(sunday, tuesday) == HOUR


def test_the_end_may_come_before_the_beginning_and_counts_nothing() -> None:
    assert hours().seconds(local(MEXICO, 2026, 11, 20, 12), local(MEXICO, 2026, 11, 20, 11)) == 0


def test_an_hour_that_the_clock_skips_or_repeats_is_counted_as_it_was_lived() -> None:
    night = Hours((((HOUR, 4 * HOUR),),) * 7, zone=MADRID, version=1)
    assert night.seconds(local(MADRID, 2026, 3, 29), local(MADRID, 2026, 3, 30)) == 2 * HOUR
    assert night.seconds(local(MADRID, 2026, 10, 25), local(MADRID, 2026, 10, 26)) == 4 * HOUR


minutes = st.integers(0, 12 * 24 * 4).map(lambda quarter: timedelta(minutes=15 * quarter))
spans = st.lists(st.integers(0, 96), min_size=0, max_size=4, unique=True).map(sorted)


@hypothesis_settings(max_examples=60, deadline=None, derandomize=True)
@given(
    # Madrid changes its clock on 29 March and 25 October; Lord Howe by half an hour, Cairo at midnight.
    start=st.sampled_from([datetime(2026, 3, 25, tzinfo=UTC), datetime(2026, 10, 20, tzinfo=UTC)]),
    zone=st.sampled_from([MEXICO, MADRID, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Africa/Cairo")]),
    after=minutes,
    length=minutes,
    week=st.lists(spans, min_size=7, max_size=7),
    holiday=st.sampled_from([date(2026, 3, 29), date(2026, 10, 26), date(2000, 1, 1)]),
)
def test_the_seconds_are_those_of_going_minute_by_minute(
    start: datetime, zone: ZoneInfo, after: timedelta, length: timedelta, week: list[list[int]], holiday: date
) -> None:
    quarters = [list(zip(day[::2], day[1::2], strict=False)) for day in week]
    counted = Hours(
        tuple(tuple((a * 900, b * 900) for a, b in day) for day in quarters), frozenset({holiday}), zone, version=1
    )
    start += after
    slow, moment = 0, start
    while moment < start + length:
        wall = moment.astimezone(zone)
        quarter = (wall.hour * 60 + wall.minute) // 15
        if wall.date() != holiday and any(a <= quarter < b for a, b in quarters[wall.weekday()]):
            slow += 900
        moment += timedelta(minutes=15)
    assert counted.seconds(start, start + length) == slow


def test_the_week_is_said_in_words() -> None:
    week = (*OFFICE[:5], ((9 * HOUR, 13 * HOUR),), ())
    said = Hours(week, version=1).said()
    assert said == "lun a vie de 9:00 a 14:00 y de 16:00 a 18:00; sáb de 9:00 a 13:00"
    assert Hours().said() == ""


@pytest.mark.django_db
def test_the_calendar_is_what_a_supervisor_wrote() -> None:
    assert calendar.load().plain
    OpeningHours.objects.create(monday=True, sunday=True, start=time(9), end=time(0))
    OpeningHours.objects.create(monday=True, start=time(7), end=time(8))
    found = calendar.load()
    assert found.week[0] == ((7 * HOUR, 8 * HOUR), (9 * HOUR, 24 * HOUR))
    assert found.week[6] == ((9 * HOUR, 24 * HOUR),)
    assert found.week[1] == ()


@pytest.mark.django_db
def test_with_holidays_alone_every_other_day_counts_whole(settings: Settings) -> None:
    Holiday.objects.create(date=date(2026, 11, 16), name="Puente")
    found = calendar.load()
    assert found.seconds(local(MEXICO, 2026, 11, 15), local(MEXICO, 2026, 11, 18)) == 48 * HOUR


@pytest.mark.django_db
def test_two_calendars_that_differ_have_other_versions() -> None:
    versions = {calendar.load().version}
    row = OpeningHours.objects.create(monday=True)
    versions.add(calendar.load().version)
    row.end = time(19)
    row.save()
    versions.add(calendar.load().version)
    holiday = Holiday.objects.create(date=date(2026, 11, 16), name="Puente")
    versions.add(calendar.load().version)
    assert len(versions) == 4
    holiday.delete()
    assert calendar.load().version in versions


@pytest.mark.django_db
def test_the_calendar_is_read_once_a_minute(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    calendar.forget()
    with django_assert_num_queries(2):
        for _ in range(5):
            calendar.current()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"start": time(9), "end": time(18)}, "Elige al menos un día"),
        ({"friday": True, "start": time(18), "end": time(9)}, "después de la hora de inicio"),
        ({"monday": True, "start": time(17, 59), "end": time(20)}, "Se encima con otro horario: lun a vie"),
    ],
    ids=["no day", "backwards", "overlap"],
)
def test_hours_that_make_no_sense_are_refused(fields: dict[str, object], problem: str) -> None:
    OpeningHours.objects.create(**dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), True))
    with pytest.raises(ValidationError, match=problem):
        OpeningHours(**fields).full_clean()


def test_hours_that_touch_others_or_are_of_other_days_are_taken(db: None) -> None:
    OpeningHours.objects.create(monday=True)
    OpeningHours(monday=True, start=time(18), end=time(0)).full_clean()
    OpeningHours(tuesday=True).full_clean()


@pytest.mark.parametrize(
    ("year", "days"),
    [
        (2026, ["01-01", "02-02", "03-16", "05-01", "09-16", "11-16", "12-25"]),
        (2027, ["01-01", "02-01", "03-15", "05-01", "09-16", "11-15", "12-25"]),
        (2030, ["01-01", "02-04", "03-18", "05-01", "09-16", "10-01", "11-18", "12-25"]),
    ],
)
def test_mexicos_days_of_rest_follow_the_law(year: int, days: list[str]) -> None:
    assert [f"{day:%m-%d}" for day, _ in calendar_mx.official(year)] == days
