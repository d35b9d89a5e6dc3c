"""Draw the timelines that the demo prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.svg import BLUE, GREEN, GREY, Picture

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WIDTH, TOP, ROW = 880, 64, 106
#: Where an invocation starts, and where the longest one is stopped.
START, STOPPED = 4, 640


class Moment(NamedTuple):
    """One line of a timeline.

    Attributes:
        at: Milliseconds since the handler was called.
        kind: "called", "arrived", "answered" or "stopped".
        words: What happened, as the demo prints it.
    """

    at: float
    kind: str
    words: str


def draw(timelines: Mapping[str, Sequence[Moment]], verdict: str) -> str:
    """Return the picture of some invocations, by title, to one scale."""
    title = "What make demo shows: three invocations of the AWS Lambda sample"
    lines = [
        f"Invocation {number}, {name}: " + "; ".join(f"{moment.at:.1f} ms {moment.words}" for moment in moments)
        for number, (name, moments) in enumerate(timelines.items(), 1)
    ]
    picture = Picture(WIDTH, TOP + ROW * len(timelines) + 24, title, "\n".join([*lines, verdict]))
    picture.text(START, 16, title, size=17, bold=True)
    picture.text(
        START, 38, "The process is stopped between invocations, as on Lambda. The events have arrived by then."
    )
    scale = (STOPPED - START) / max(moment.at for moments in timelines.values() for moment in moments)
    for number, (name, moments) in enumerate(timelines.items()):
        _draw_invocation(picture, TOP + number * ROW, f"Invocation {number + 1}: {name}", moments, scale)
    picture.text(START, TOP + ROW * len(timelines) + 10, verdict.partition(",")[0] + ".", colour=GREEN, bold=True)
    return str(picture)


def _draw_invocation(picture: Picture, top: float, title: str, moments: Sequence[Moment], scale: float) -> None:
    """Draw one invocation: a bar while the handler runs, dots for events, a bar while the process is stopped."""
    at = {moment.kind: START + moment.at * scale for moment in moments}
    lane, below = top + 44, top + 78
    picture.text(START, top + 14, title, bold=True)
    picture.bar(START, lane, at["answered"] - START, 14, colour=BLUE)
    picture.text(START, below, "handler called")
    answered = next(moment for moment in moments if moment.kind == "answered")
    picture.text(at["answered"], below, f"response after {answered.at:.1f} ms", colour=BLUE, bold=True, end=True)
    arrived = [moment for moment in moments if moment.kind == "arrived"]
    for moment in arrived:
        x = START + moment.at * scale
        picture.line(x, lane - 6, x, lane + 14, colour=GREEN)
        picture.dot(x, lane - 6, 5, colour=GREEN)
    events = " and ".join(moment.words.removeprefix("arrived: ").partition(" by ")[0] for moment in arrived)
    words = f"{events} arrived after {arrived[-1].at:.1f} ms"
    picture.text(at["arrived"] + 10, lane - 8, words, colour=GREEN, bold=True)
    picture.bar(at["stopped"], lane, WIDTH - 4 - at["stopped"], 14, colour=GREY, hollow=True)
    picture.text(at["stopped"] + 6, below, moments[-1].words)
