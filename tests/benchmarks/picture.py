"""Draw how long a response waits for its analytics, beside each peer, from the recorded results."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from tests.benchmarks.environments import HERE
from tests.benchmarks.subjects import OURS, PEERS, RAW
from tests.svg import BLUE, GREY, Picture

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.benchmarks.spread import Measures

FILE = HERE / "delay.svg"

_CASE = "delay: https, server 100 ms, N={}"
_COUNTS = (1, 20, 200, 2_000)
_SUBJECTS = (OURS, RAW, *(peer.name for peer in PEERS if peer.sends))

_SUBTITLE = "Milliseconds; shorter is better. Each column has its own scale. The server answers over TLS after 100 ms."
_LEFT, _TOP, _COLUMN, _ROW = 205, 92, 172, 27
_WIDTH, _HEIGHT = _LEFT + len(_COUNTS) * _COLUMN, _TOP + len(_SUBJECTS) * _ROW + 6
#: Of each column, what stands right of the longest bar: its figure.
_FIGURE = 60


class Delay(TypedDict):
    """How long the response waits for one subject: the median in milliseconds, and what else there is to say."""

    median: float
    note: str


#: By the number of events, as text, and by subject.
Delays = dict[str, dict[str, Delay]]


def delays(measures: Measures) -> Delays:
    """Return what is drawn, as it is written to JSON."""
    return {
        str(count): {
            subject: Delay(median=round(spread.median, 1), note=spread.note)
            for subject, spread in measures[_CASE.format(count)].subjects.items()
            if subject in _SUBJECTS
        }
        for count in _COUNTS
    }


def draw(drawn: Delays) -> str:
    """Return the picture of the recorded delays."""
    title = "How long the response waits for its analytics"
    picture = Picture(_WIDTH, _HEIGHT, title, _description(drawn))
    picture.text(0, 16, title, size=17, bold=True)
    picture.text(0, 38, _SUBTITLE)
    for row, subject in enumerate(_SUBJECTS):
        ours = subject == OURS
        colour = BLUE if ours else GREY
        picture.text(_LEFT - 12, _TOP + row * _ROW + 12, _name(subject), colour=colour, bold=ours, end=True)
    for column, count in enumerate(_COUNTS):
        _draw_column(picture, _LEFT + column * _COLUMN, count, drawn[str(count)])
    return str(picture)


def _draw_column(picture: Picture, left: float, count: int, subjects: Mapping[str, Delay]) -> None:
    """Draw the bars of one number of events, to a scale of their own."""
    picture.text(left, _TOP - 16, _events(count), bold=True)
    longest = max(subjects[subject]["median"] for subject in _SUBJECTS)
    for row, subject in enumerate(_SUBJECTS):
        delay, note = subjects[subject]["median"], subjects[subject]["note"]
        colour = BLUE if subject == OURS else GREY
        width = delay / longest * (_COLUMN - _FIGURE)
        # A hollow bar is no result: the response did not wait for what was not sent.
        picture.bar(left, _TOP + row * _ROW, width, 15, colour=colour, hollow=bool(note))
        figure = note.removesuffix(" by then") or _figure(delay)
        picture.text(left + width + 6, _TOP + row * _ROW + 12, figure, colour=colour, bold=subject == OURS)


def _description(drawn: Delays) -> str:
    columns = []
    for count in _COUNTS:
        subjects = [(_name(subject), drawn[str(count)][subject]) for subject in _SUBJECTS]
        figures = [f"{name} {delay['note'] or _figure(delay['median'])}" for name, delay in subjects]
        columns.append(f"{_events(count)}: {', '.join(figures)}.")
    return f"{_SUBTITLE} " + " ".join(columns)


def _name(subject: str) -> str:
    return "one POST by hand" if subject == RAW else subject


def _events(count: int) -> str:
    return "1 event" if count == 1 else f"{_figure(count)} events"


def _figure(value: float) -> str:
    return f"{value:,.0f}".replace(",", " ")
