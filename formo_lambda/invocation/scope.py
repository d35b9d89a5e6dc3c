"""Which invocation an event belongs to: the ContextVar scope, and the rules of nesting."""

from __future__ import annotations

import logging
import threading
from contextvars import ContextVar
from itertools import count
from typing import TYPE_CHECKING, Any
from weakref import WeakSet, ref

from formo_lambda import forks
from formo_lambda.delivery.tally import Tally
from formo_lambda.errors import ConfigurationError
from formo_lambda.events.identifiers import exact_text, forget_stock, id_text
from formo_lambda.options import plain

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Token
    from types import TracebackType

    from formo_lambda.delivery.buffer import Buffer
    from formo_lambda.delivery.queue import EventQueue

logger = logging.getLogger("formo_lambda")

#: Threads that were started while a scope with rules of its own was open, such as those of a pool.
_started_within: WeakSet[threading.Thread] = WeakSet()


class Scope:
    """What an event is tracked in: one call of a decorated handler, or something nested in it.

    It has a buffer for each client that writes to it.

    Args:
        outer: The scope this one is nested in, if any.
        keeps_all: Whether its events are sent whatever becomes of the handler. Only then may any of them leave early.
        remaining: Asked for the seconds that the platform leaves the invocation; it answers None where it cannot say.
        idempotency_key: What the ids of its events are derived from, or None for random ids. An empty one is none.

    Attributes:
        early: Whether its events may leave before it ends.
        keyed: Whether it has such a key, or a scope around it has.
        buffers: The buffer of each client that wrote to it.
        strangers: Threads that no invocation started. Their events do not follow the rules of this scope, and only
            where it has some (a key, or events that may be discarded) are they of interest.
        closed: Whether it is over.
        reference: A weak reference to it.
    """

    __slots__ = (
        "__weakref__",
        "_ordinals",
        "_remaining",
        "_tallies",
        "buffers",
        "closed",
        "early",
        "idempotency_key",
        "keyed",
        "outer",
        "reference",
        "strangers",
    )

    def __init__(
        self,
        outer: Scope | None = None,
        *,
        keeps_all: bool = True,
        remaining: Callable[[], float | None] = lambda: None,
        idempotency_key: str | None = None,
    ) -> None:
        self.outer = outer
        self.early: bool = keeps_all and (outer is None or outer.early)
        self._remaining = remaining
        if idempotency_key == "":
            # All work without a key would share this one, and but one piece of it would be counted.
            logger.warning("an empty idempotency key is no key: the events of this invocation get random ids")
            idempotency_key = None
        self.idempotency_key = idempotency_key
        self.keyed: bool = idempotency_key is not None or (outer is not None and outer.keyed)
        self.buffers: dict[EventQueue, Buffer] = {}
        self.closed = False
        self._ordinals: dict[tuple[str, str, str], count[int]] = {}
        self._tallies: dict[EventQueue, Tally] = {}
        self.reference: ref[Any] = ref(self, _forget)
        hash(self.reference)  # kept from now on: of an object that is gone it cannot be asked for the first time
        self.strangers: set[threading.Thread] = set()
        if outer is None and (self.keyed or not self.early):
            self.strangers.update(thread for thread in threading.enumerate() if thread not in _started_within)
            # Also a thread of a server's that it has started for this very call.
            self.strangers.add(threading.current_thread())

    def buffer_of(self, queue: EventQueue) -> Buffer:
        """Return the buffer of one client in this scope, made at its first event."""
        buffer = self.buffers.get(queue)
        if buffer is None:
            fresh = queue.open_buffer(early=self.early, tally=self._outermost()._tally_of(queue))  # noqa: SLF001 -- the same class
            buffer = self.buffers.setdefault(queue, fresh)
            if buffer is not fresh:
                queue.forget(fresh)
            if self.closed:
                # It ended while a thread was on its way here: whoever appends must take the event elsewhere.
                buffer.closed = True
                queue.forget(buffer)
        return buffer

    def _tally_of(self, queue: EventQueue) -> Tally:
        """Return who answers for what leaves early: the outermost scope, nested ones included."""
        tally = self._tallies.get(queue)
        return tally if tally is not None else self._tallies.setdefault(queue, Tally(open=True))

    def _outermost(self) -> Scope:
        scope = self
        while (outer := _first_open(scope.outer)) is not None:
            scope = outer
        return scope

    def next_seed(self, kind: str, name: object, address: object) -> tuple[str, int] | None:
        """Return what the next event's id is derived from: a key, and the ordinal of the event under it.

        Ordinals are counted apart for each type, name and wallet. A repetition need not take the same way: it may
        track a success where the first attempt tracked a failure, or leave out a step that was done. Were they counted
        in one row, an event new in the repetition would get the id of another that was sent, and be lost as a repeat.

        Args:
            kind: The type of the event.
            name: Its name, if it has one; anything but a string counts as none, and will be refused.
            address: Its wallet, likewise.

        Returns:
            The nearest key with all that the ordinal is counted apart for, and the ordinal; None where there is no key.
        """
        scope: Scope | None = self
        while scope is not None:
            if scope.idempotency_key is not None:
                # However an address is written, it is one wallet. Two of Solana's may share a row of ordinals by this,
                # which is no harm.
                what = (kind, _text(name), _text(address).strip().lower())
                ordinal = next(scope._ordinals.setdefault(what, count()))  # noqa: SLF001 -- the same class
                return "\0".join((*what, scope.idempotency_key)), ordinal
            scope = scope.outer
        return None

    @property
    def nested(self) -> bool:
        """Whether a scope around it is still open, which takes its events over when it ends."""
        return _first_open(self.outer) is not None

    def remaining(self) -> float | None:
        """Return the seconds that the platform leaves, by the innermost scope that knows; None where none does."""
        scope: Scope | None = self
        while scope is not None:
            # Asked anew each time: the clock of a platform may jump, as after a freeze.
            seconds = scope._remaining()  # noqa: SLF001 -- the same class
            if seconds is not None:
                return seconds
            scope = scope.outer
        return None

    def close(self, *, keep: bool) -> dict[EventQueue, Buffer]:
        """End the scope: its events join the scope around it, or are discarded, or are returned to be sent.

        Args:
            keep: Whether the events count. False discards them.

        Returns:
            The buffers of an outermost scope; empty for a nested one.
        """
        self.closed = True
        _open.pop(self.reference, None)
        forget_stock()
        if self.strangers:
            for thread in set(threading.enumerate()) - self.strangers:
                _started_within.add(thread)
        outer = _first_open(self.outer)
        for queue, buffer in list(self.buffers.items()):
            if not keep:
                queue.discard(buffer)
            if outer is not None:
                queue.join(buffer, outer.buffer_of(queue))
        return self.buffers if outer is None else {}


#: The scope that the running code is in. Always a fresh object, set and reset by token around each step.
_current: ContextVar[Scope | None] = ContextVar("formo_lambda_invocation", default=None)
#: The outermost scopes that are open in this process; a dict for its order and its atomic operations. A stream that its
#: own arguments refer to, dropped in the middle, is freed only if nothing here refers to them.
_open: dict[ref[Any], None] = {}


def _forget(reference: ref[Any]) -> None:
    _open.pop(reference, None)


class inside:  # noqa: N801 -- it is read in `with inside(scope):`
    """Make a scope current for one step, and put back what was current before.

    A step that ends in another context than it began in (a generator closed from elsewhere) cannot be reset by its
    token; the variable of that other context was never set, so there is nothing to put back.
    """

    __slots__ = ("_scope", "_token")

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __enter__(self) -> None:
        scope = self._scope
        if scope.outer is None and not scope.closed:
            _open[scope.reference] = None
        self._token: Token[Scope | None] = _current.set(scope)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            _current.reset(self._token)
        except ValueError:
            pass


def open_scope(
    *,
    keeps_all: bool = True,
    remaining: Callable[[], float | None] = lambda: None,
    idempotency_key: str | None = None,
) -> Scope:
    """Return a scope, nested in the current one if there is one. The caller enters it around each step and closes it.

    It is open from the first step on: what is never entered never becomes the only open one.
    """
    outer = _first_open(_current.get())
    return Scope(outer, keeps_all=keeps_all, remaining=remaining, idempotency_key=idempotency_key)


def checked_key(value: object) -> str | None:
    """Return what ids are derived from, as text.

    Raises:
        ConfigurationError: It is neither a string, an integer or a UUID, nor None: what it looks like as text may
            differ the next time, or be the same for other work.
    """
    if value is None:
        return None
    number = plain(value)
    try:
        text = str(number) if type(number) is int else id_text(value)
    except ValueError:  # it has more digits than Python converts
        text = None
    if text is None:
        raise ConfigurationError("idempotency_key", "must be a string, an integer or a UUID, or None")
    return text


def current_scope() -> Scope | None:
    """Return the scope an event tracked here belongs to, or None for the client's own buffer.

    Without a scope of its own (a bare worker thread, a late task) code belongs to the only open invocation of the
    process, if there is exactly one; but code of a thread that no invocation started does not belong to one that may
    discard its events, or derives their ids: what it tracks only leaves with the flush of that one.
    """
    scope = _first_open(_current.get())
    if scope is None and _open:
        candidates = list(_open)
        if len(candidates) == 1:
            only: Scope | None = candidates[0]()
            is_strange = only is not None and only.strangers and threading.current_thread() in only.strangers
            return None if is_strange else only
    return scope


def is_inside(scope: Scope) -> bool:
    """Whether the running code was entered under a scope, rather than taken for its own because no other is open."""
    return _first_open(_current.get()) is scope


def _forget_others() -> None:
    """Keep only the scope of the running code open, as a forked child does: the others went on in the parent."""
    forget_stock()
    mine = _first_open(_current.get())
    while mine is not None and mine.outer is not None:
        mine = mine.outer
    _open.clear()
    if mine is not None:
        _open[mine.reference] = None


forks.in_child.append(_forget_others)


def _text(value: object) -> str:
    return exact_text(value) or ""


def _first_open(scope: Scope | None) -> Scope | None:
    while scope is not None and scope.closed:
        scope = scope.outer
    return scope
