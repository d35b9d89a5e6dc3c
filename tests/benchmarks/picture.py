"""Draws how long a response waits for its analytics, beside each peer, from the recorded results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.benchmarks.environments import HERE
from tests.benchmarks.subjects import OURS, PEERS, RAW
from tests.svg import BLUE, GREY, Picture

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE = HERE / "delay.svg"

_CASE = "delay: https, server 100 ms, N={}"
_COUNTS = (1, 20, 200, 2_000)
_SUBJECTS = (OURS, RAW, *(peer.name for peer in PEERS if peer.sends))
_NAMES = {RAW: "one POST by hand"}

_SUBTITLE = "Milliseconds; shorter is better. Each column has its own scale. The server answers over TLS after 100 ms."
_LEFT, _TOP, _COLUMN, _ROW = 205, 92, 172, 27
_WIDTH, _HEIGHT = _LEFT + len(_COUNTS) * _COLUMN, _TOP + len(_SUBJECTS) * _ROW + 6
#: Of each column, what stands right of the longest bar: its figure.
_FIGURE = 60


def draw(measures: Mapping[str, Any]) -> str:
    """Return the picture of the measures, which are given as they stand in results.json."""
    title = "How long the response waits for its analytics"
    picture = Picture(_WIDTH, _HEIGHT, title, _description(measures))
    picture.text(0, 16, title, size=17, bold=True)
    picture.text(0, 38, _SUBTITLE)
    for row, subject in enumerate(_SUBJECTS):
        ours = subject == OURS
        colour = BLUE if ours else GREY
        picture.text(
            _LEFT - 12, _TOP + row * _ROW + 12, _NAMES.get(subject, subject), colour=colour, bold=ours, end=True
        )
    for column, count in enumerate(_COUNTS):
        _draw_column(picture, _LEFT + column * _COLUMN, count, measures[_CASE.format(count)]["subjects"])
    return str(picture)


def _draw_column(picture: Picture, left: float, count: int, subjects: Mapping[str, Any]) -> None:
    """Draw the bars of one number of events, each column to a scale of its own."""
    events = "1 event" if count == 1 else f"{count:,} events".replace(",", " ")
    picture.text(left, _TOP - 16, events, bold=True)
    longest = max(subjects[subject]["median"] for subject in _SUBJECTS)
    for row, subject in enumerate(_SUBJECTS):
        delay, note = subjects[subject]["median"], subjects[subject]["note"]
        colour = BLUE if subject == OURS else GREY
        width = delay / longest * (_COLUMN - _FIGURE)
        # A hollow bar is no result: the response did not wait for what was not sent.
        picture.bar(left, _TOP + row * _ROW, width, 15, colour=colour, hollow=bool(note))
        figure = note.removesuffix(" by then") or _figure(delay)
        picture.text(left + width + 6, _TOP + row * _ROW + 12, figure, colour=colour, bold=subject == OURS)


def _description(measures: Mapping[str, Any]) -> str:
    columns = []
    for count in _COUNTS:
        subjects = measures[_CASE.format(count)]["subjects"]
        figures = [
            f"{_NAMES.get(name, name)} {_figure(subjects[name]['median'])}"
            + (f" ({subjects[name]['note']})" if subjects[name]["note"] else "")
            for name in _SUBJECTS
        ]
        columns.append(f"{count} events: {', '.join(figures)}." if count > 1 else f"1 event: {', '.join(figures)}.")
    return "Median delay in milliseconds. " + " ".join(columns)


def _figure(delay: float) -> str:
    return f"{delay:,.0f}".replace(",", " ")
