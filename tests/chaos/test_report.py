"""What a run that breaks off leaves behind."""

from __future__ import annotations

from tests.chaos.report import Report, measured


def broken_off() -> Report:
    Report("prueba", "llegar al final", 7).figures["messages"] = 3
    raise AssertionError("2 de 3 contestados en 10 s")


def test_a_run_that_breaks_off_is_a_failure_with_its_goal_and_figures() -> None:
    report = measured(broken_off, "prueba", 7, 1)
    assert not report.passed
    assert (report.goal, report.figures) == ("llegar al final", {"messages": 3})
    assert report.broken == {"meta": ["se interrumpió: AssertionError: 2 de 3 contestados en 10 s"]}


def test_a_run_that_breaks_off_before_its_report_is_a_failure_too() -> None:
    report = measured(lambda: 1 / 0, "prueba", 7, 1)  # type: ignore[arg-type, return-value]
    assert (report.name, report.seed, report.passed) == ("prueba", 7, False)
