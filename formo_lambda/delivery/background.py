"""What happens beside the caller: early sends, opening a connection ahead, and what is due while nobody flushes."""

from __future__ import annotations

import functools
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from formo_lambda import forks
from formo_lambda.clock import monotonic
from formo_lambda.constants import CROWDED_WAIT, LONG_INVOCATION, TRACK_WAIT, WORKER_IDLE
from formo_lambda.delivery.deadline import Deadline
from formo_lambda.delivery.log import log
from formo_lambda.delivery.loops import running_loop
from formo_lambda.delivery.queue import EventQueue, pending
from formo_lambda.delivery.retry import TransientFailure
from formo_lambda.delivery.workers import workers
from formo_lambda.threads import Latch, get_ident, home, start_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from formo_lambda.delivery.buffer import Buffer
    from formo_lambda.delivery.places import Request
    from formo_lambda.delivery.send import Sender
    from formo_lambda.delivery.tally import Tally
    from formo_lambda.transport.http import HttpTransport


class Background:
    """Sends the requests of one client's queue, and does what happens beside the caller.

    Args:
        sender: Sends a request.
        http: The transport, if it is ours. What a user's own does is not bounded by anything: it is called on workers.
        serverless: Whether the platform may freeze the process between invocations: no thread watches those.
        on_first_event: Called when there is something to deliver.
    """

    def __init__(
        self, sender: Sender, http: HttpTransport | None, *, serverless: bool, on_first_event: Callable[[], object]
    ) -> None:
        self._sender = sender
        self._http = http
        self.serverless = serverless
        self._on_first_event = on_first_event
        self.bounded = http is not None

    def on_buffer(self, queue: EventQueue, buffer: Buffer) -> None:
        """A buffer has its first event, is full, or is due."""
        now = monotonic()
        if not buffer.due:
            self._on_first(queue, buffer, now)
        # Nobody comes back to what is tracked before a fork without hooks: uWSGI's master runs no Python, to its end.
        aged = now >= buffer.since + queue.options.flush_interval or forks.lie_ahead()
        if buffer.early and (buffer.full or aged):
            self.send_early(queue, buffer, now)
        elif buffer.full and not buffer.early and not queue.busy_here():
            queue.shed(buffer)
            self.tell(queue)
        elif buffer.events and now >= buffer.due:  # an invocation that goes on
            buffer.due = buffer.since + queue.options.flush_interval
            watcher.watch(queue, buffer)

    def _on_first(self, queue: EventQueue, buffer: Buffer, now: float) -> None:
        self._set_due(queue, buffer, now)
        if not buffer.events:
            # Another thread has emptied it meanwhile, so the next event is the first.
            buffer.due = 0.0
            if buffer.events:  # and came just before that
                self._set_due(queue, buffer, now)
        self._on_first_event()

    def _set_due(self, queue: EventQueue, buffer: Buffer, now: float) -> None:
        buffer.since = now
        interval = queue.options.flush_interval if buffer.early else float("inf")
        if buffer is queue.own:
            buffer.due = now + interval
            pending[queue] = None
            watcher.look()
            return
        buffer.due = now + (interval if self.serverless else min(interval, LONG_INVOCATION))
        if self._http is not None and queue.breaker.until is None:
            self._http.warm(queue.options.request_timeout)

    def send_early(self, queue: EventQueue, buffer: Buffer, now: float) -> None:
        """Have the events of a buffer sent before its scope ends."""
        if queue.busy_here():
            return  # A signal handler amid a change of the queue: the next event is told of, too.
        queue.put_early(buffer, now)
        if forks.lie_ahead():
            end = Deadline.after(TRACK_WAIT)
            while self.send_next(queue, None, end):
                pass
        elif queue.crowded() and running_loop() is None:
            self._wait_for_room(queue)
        self.tell(queue)

    def _wait_for_room(self, queue: EventQueue) -> None:
        """Have the thread that tracks wait until less is pending; where no worker can be started, it sends itself."""
        end = Deadline.after(TRACK_WAIT)
        reached_at = queue.endpoint.reached_at
        self.send_retained(queue)
        # What interrupts a thread that sends (a signal handler, a finalizer) would wait for its own request.
        while queue.crowded() and not queue.is_sent_here():
            if not end.remaining():
                if queue.endpoint.reached_at == reached_at:
                    queue.give_way(monotonic())
                return
            called = queue.call_next()
            # What interrupts a thread that calls a worker waits for one that nobody has called yet.
            if (called and queue.in_flight) or not self.send_next(queue, None, end):
                time.sleep(CROWDED_WAIT)

    def send_retained(self, queue: EventQueue) -> None:
        """Have what is retained sent although no flush asks for it."""
        probe = queue.send_retained(monotonic())
        if probe is not None:
            self.send_probe(queue, probe)

    def send_next(self, queue: EventQueue, tally: Tally | None, deadline: Deadline | None) -> bool:
        """Send what one request holds on this thread; return whether there was anything to send, and room for it.

        Args:
            queue: The queue.
            tally: The flush of the caller; None on a worker.
            deadline: When the request must have ended; None on a worker.
        """
        request = queue.take(tally, deadline, monotonic())
        if request is None:
            return False
        try:
            self._send(queue, request, on_worker=deadline is None)
        except BaseException:
            queue.interrupt(request, monotonic())
            raise
        self.tell(queue)
        return True

    def _send(self, queue: EventQueue, request: Request, *, on_worker: bool) -> None:
        """Send a request, and end it. What is raised passes on a caller's thread, and is a failure on a worker."""
        request.thread = get_ident()
        request.started = monotonic()
        try:
            failure = self._sender.send(request)
        except BaseException as error:
            if not on_worker:
                raise
            failure = TransientFailure(f"the transport raised {type(error).__name__}")
        queue.release(request, failure, monotonic())

    def send_probe(self, queue: EventQueue, probe: Request) -> None:
        """Find out on a worker whether a server is well again; where none can be started, here and now."""

        def send(*, on_worker: bool = True) -> None:
            self._send(queue, probe, on_worker=on_worker)
            self.tell(queue)

        probe.thread = -1
        try:
            if not workers.submit(send, group=queue.endpoint):
                send(on_worker=False)
        except BaseException:
            if probe.thread in (-1, get_ident()):  # else a worker has it
                queue.interrupt(probe, monotonic())
            raise

    def call_worker(self, queue: EventQueue) -> bool:
        """Have a worker send what no caller is going to send; return False where none can be started."""
        return workers.submit(functools.partial(self._work, queue), group=queue.endpoint)

    def _work(self, queue: EventQueue) -> None:
        """Send what waits in the list, as long as there is something and room for a request."""
        while self.send_next(queue, None, None):
            pass

    def look(self) -> None:
        """Something is retained: it is to be sent when it is due."""
        watcher.look()

    def tell(self, queue: EventQueue, *, at_once: bool = False) -> None:
        """Log what is to be said, and hand over what was given up.

        Args:
            queue: The queue.
            at_once: Whether losses are not to be summed up any longer.
        """
        for line in queue.lines(monotonic(), at_once=at_once):
            log.write(*line)
        if queue.report.due() < float("inf"):
            pending[queue] = None
            watcher.look()
        queue.callbacks.start()

    def close(self) -> None:
        """Close idle connections, and end threads that have nothing to do."""
        if self._http is not None:
            self._http.close()
        workers.dismiss()
        watcher.rest()


class Watcher:
    """The one background thread of the process: it sleeps until something is due that nobody flushes.

    It is woken as rarely as can be. A process that is forked without Python's hooks while a thread of ours is about to
    run leaves its child an interpreter that hangs.
    """

    def __init__(self) -> None:
        self._start_over()
        forks.in_child.append(self._start_over)

    def _start_over(self) -> None:
        self._lock = threading.RLock()
        #: Ends the sleep of the thread; None where there is none.
        self._latch: Latch | None = None
        self._home: object = None
        self._lent: deque[Callable[[], object]] = deque()
        self._thread = 0
        self._stays = False
        self._until = 0.0
        self._buffers: dict[Buffer, EventQueue] = {}

    def watch(self, queue: EventQueue, buffer: Buffer) -> None:
        """Send the events of an open invocation when they are old."""
        self._buffers[buffer] = queue
        self.look()

    def look(self) -> None:
        """Take notice of what is due, and when."""
        due = self._due() if pending or self._buffers else float("inf")
        if due == float("inf"):
            return  # A thread that sleeps finds that out by itself.
        here = home()
        with self._lock:
            latch = self._latch
            if latch is not None and due < self._until:
                latch()
            if latch is not None and self._home == here:
                return
            self._home = here
            latch = self._latch = Latch()  # set before the thread starts: it may end before `start_thread` returns
        started = False
        try:
            started = start_thread(functools.partial(self._run, latch), "formo-background")
        finally:
            if not started:  # or an exception of a signal handler came in between: then it ends by itself
                self._latch = None

    def lend(self, task: Callable[[], object]) -> bool:
        """Have the thread run something now; return False where there is no thread, and on the thread itself."""
        with self._lock:
            if self._latch is None or self._thread == get_ident():
                return False
            self._stays = True  # No other can be started: it is the last one there is.
            self._lent.append(task)
            self._latch()
            return True

    def rest(self) -> None:
        """End the thread if nothing is due any more."""
        with self._lock:
            if self._latch is not None and self._due() == float("inf"):
                self._latch()
                self._latch = None

    def _run(self, latch: Latch) -> None:
        self._thread = get_ident()
        while True:
            with self._lock:
                due = self._due()
                if self._latch is not latch:
                    return
                if self._home != home():  # The next `look` starts another, which can use the sockets in force.
                    self._latch = None
                    return
                if due == float("inf") and not self._stays:
                    self._latch = None
                    return
                self._until = min(due, monotonic() + WORKER_IDLE)
            latch.wait(max(CROWDED_WAIT, self._until - monotonic()))
            while self._lent:
                self._lent.popleft()()
            now = monotonic()
            for queue in list(pending):
                self._send_due(queue, now)
            for buffer, queue in list(self._buffers.items()):
                if buffer.closed or not buffer.events:
                    self._buffers.pop(buffer, None)
                elif now >= buffer.since + queue.options.flush_interval:
                    queue.on_buffer(buffer)
            queue = buffer = None  # type: ignore[assignment] # a sleeping thread keeps nothing alive

    def _due(self) -> float:
        moments = [queue.due() for queue in list(pending)]
        moments += [buffer.since + queue.options.flush_interval for buffer, queue in list(self._buffers.items())]
        return min(moments, default=float("inf"))

    def _send_due(self, queue: EventQueue, now: float) -> None:
        if queue.own.events and now >= queue.own.since + queue.options.flush_interval:
            queue.on_buffer(queue.own)
        if queue.retained and now >= queue.retained_due():
            queue.background.send_retained(queue)
        if now >= queue.report.due():
            queue.background.tell(queue)


#: The watcher of this process.
watcher = Watcher()
# Python 3.12 starts no thread any more once its exit has begun: what must not hang there runs on this one.
workers.spare = watcher.lend
