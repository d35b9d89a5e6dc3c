"""How events are delivered: from the buffers into batches, requests, and an outcome.

A flush works on the caller's own thread::

 an event's way     buffer --flush, full, old--> waiting --room for a request--> in flight --2xx------> sent
                                                  ^  |                            |  `--refused-----> undelivered
                                       next flush |  | deadline, breaker          | transient, late
                                                  |  v                            v
                                                 retained <-----------------------'   --no room----> undelivered

1. `track()` appends to a deque. It takes no lock, and starts no thread while the buffer is not full and a connection
   is warm.
2. An event is in exactly one place: a buffer, a waiting batch, a batch in flight, the retained, or an outcome. It
   moves under the one lock of its queue (`places`), which is never held during I/O, a callback or a log call. A move
   notes first where events go, and then removes them from where they were. If an exception of a signal handler
   interrupts it, the next move puts in order what is left half done.
3. A flush (`flush`) takes what is due: its buffers and, with the breaker closed or if the user asked for it, what is
   retained. The batches of one client wait in one list, and at most ten of its requests are under way at a time.
   Whoever has a reason to work (a caller until its batches are settled, a worker while something waits) and finds
   room takes what one request holds: its own batches, and those of other invocations that wait beside them. Each gets
   its own part of the outcome. A request ends by the deadline of whoever sends it. Parts of others that have time
   left go back into the list, and that end says nothing of the server. The first request to an endpoint that was not
   reached lately goes alone.
4. What others have in flight of its buffers, a flush waits for until its deadline. Then it is late, counts as
   retained, and is settled by whoever sends it. An explicit flush takes over late batches, and those that the very
   frame is sending which it interrupts (a signal handler): their events are sent anew, and what the old request
   brings does not count.
5. On workers (`workers`, `background`) runs what must run beside the caller: more requests than one, early sends,
   opening a connection, probes, what event loops wait for (`loops`), and what nothing bounds, a user's transport and
   callbacks (`callbacks`). One thread of the process sleeps until something is due that nobody flushes.
6. Where no thread can be started, all of it runs on the caller's.

Which batches a request takes, and what its end means, is in `queue`. Requests are sent by `send`, with retries by
`retry`. The table of the circuit breaker stands in `breaker`.

Modules are imported one by one, so that `import formo_lambda` loads neither urllib3 nor tenacity.
"""
