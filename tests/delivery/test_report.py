"""What the log says, as the table has it: times and counts go in, lines come out."""

from __future__ import annotations

import json
import logging

import pytest

from formo_lambda.delivery.report import Report
from formo_lambda.delivery.tally import Outcome

NOW = 1_000.0
DOWN = Outcome("timed out", transient=True)
LATE = Outcome("out of time", transient=True)
REFUSED = Outcome("Formo refused the events (HTTP 422)", 422)
FULL = Outcome("dropped")


def levels(report: Report, now: float, open_until: float | None = None) -> list[int]:
    """Return the levels of the lines that are due."""
    return [line.level for line in report.lines(now, open_until, 7)]


def test_nothing_is_said_of_what_goes_well() -> None:
    """No line, and nothing that is due later."""
    report = Report()
    assert report.is_quiet()
    assert report.lines(NOW, None, 0) == []
    assert report.due() == float("inf")


def test_a_loss_is_said_with_its_number_and_reason() -> None:
    """In words, and as numbers for those who read the log by machine."""
    report = Report()
    report.losses.append((REFUSED, 1))
    report.losses.append((REFUSED, 2))
    report.losses.append((FULL, 1))
    refused, full = report.lines(NOW, None, 4)
    assert refused.text == "3 events lost: Formo refused the events (HTTP 422)"
    assert full.text == "1 event lost: dropped"
    assert refused.level == full.level == logging.ERROR
    assert refused.counts == {"undelivered": 3, "retained": 4, "reason": REFUSED.reason, "status": 422}


def test_losses_within_a_second_are_one_further_line() -> None:
    """The first is said at once, those that follow in a sum, none twice, and none never."""
    report = Report()
    said = []
    for tenth in range(35):
        report.losses.append((FULL, 10))
        said += [line.text for line in report.lines(NOW + tenth / 10, None, 0)]
    assert said == ["10 events lost: dropped", *["100 events lost: dropped"] * 3]
    assert report.due() == pytest.approx(NOW + 4.0)
    assert [line.text for line in report.lines(NOW + 4.0, None, 0)] == ["40 events lost: dropped"]
    assert report.due() == float("inf")


def test_losses_are_said_at_once_where_there_may_be_no_later() -> None:
    """A platform may freeze the process."""
    report = Report()
    for _ in range(2):
        report.losses.append((FULL, 1))
        assert len(report.lines(NOW, None, 0, at_once=True)) == 1


def test_quarantined_events_are_a_warning() -> None:
    """They were sent, but Formo set them aside."""
    report = Report()
    report.losses.append((Outcome(status=200), 2))
    (line,) = report.lines(NOW, None, 0)
    assert (line.level, line.text, line.counts) == (
        logging.WARNING,
        "2 events quarantined by Formo",
        {"quarantined": 2},
    )


def test_an_outage_is_told_when_it_begins_each_minute_and_when_it_ends() -> None:
    """What failed, how many are retained, when it is tried again; in the end, how long it was."""
    report = Report()
    report.failed(DOWN)
    (began,) = report.lines(NOW, NOW + 5.0, 20)
    assert (began.level, began.text) == (
        logging.WARNING,
        "Formo cannot take events (timed out): 20 events retained, next attempt in 5 s",
    )
    assert began.counts == {"retained": 20, "retry_in": 5.0, "reason": "timed out", "status": None}
    assert [levels(report, NOW + second, NOW + 60.0) for second in range(1, 60)] == [[logging.DEBUG]] * 59
    (again,) = report.lines(NOW + 60.0, NOW + 100.0, 1)
    assert (again.level, again.text) == (
        logging.WARNING,
        "Formo cannot take events for 60 s (timed out): 1 event retained, next attempt in 40 s",
    )
    (ended,) = report.lines(NOW + 101.0, None, 0)
    assert (ended.level, ended.text) == (
        logging.INFO,
        "Formo takes events again after 101 s; sending 1 retained event",
    )
    assert ended.counts == {"retained": 1, "seconds": 101.0}
    assert report.is_quiet()


def test_the_next_outage_is_told_again() -> None:
    """However soon it comes."""
    report = Report()
    for second in range(3):
        assert levels(report, NOW + second, NOW + 5.0) == [logging.WARNING]
        assert levels(report, NOW + second + 0.5) == [logging.INFO]


def test_what_is_late_without_an_outage_is_a_warning_a_minute() -> None:
    """A budget that is too small for a server that is well would be told at each invocation."""
    report = Report()
    said = []
    for second in range(61):
        report.kept(LATE, 3)
        said += report.lines(NOW + second, None, 3)
    assert [line.level for line in said] == [logging.WARNING, *[logging.DEBUG] * 59, logging.WARNING]
    assert said[0].text == "3 events retained for a later flush: out of time"


def test_what_is_late_in_an_outage_is_told_by_the_outage() -> None:
    """One line, not two."""
    report = Report()
    report.kept(LATE, 3)
    assert levels(report, NOW, NOW + 5.0) == [logging.WARNING]
    assert levels(report, NOW + 1.0) == [logging.INFO]


def test_all_counts_can_be_written_as_json() -> None:
    """JSON loggers take them as they are."""
    report = Report()
    report.failed(DOWN)
    report.losses.append((FULL, 1))
    lines = report.lines(NOW, NOW + 5.0, 20)
    assert len(lines) == 2
    for line in lines:
        assert json.loads(json.dumps(line.counts)) == line.counts
