"""Settings of gunicorn's."""

from __future__ import annotations

import sys

#: No socket in the user's home.
control_socket_disable = True


def post_worker_init(worker: object) -> None:
    """Say that a worker handles signals now. One that comes earlier, gunicorn itself loses."""
    print("initialised", file=sys.stderr, flush=True)
