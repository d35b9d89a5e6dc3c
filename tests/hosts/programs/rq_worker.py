"""Work an RQ queue until it is empty. Arguments: the port of Redis, and the class of the worker."""

from __future__ import annotations

import sys

import rq
from redis import Redis

from tests.hosts.programs import rq_jobs  # noqa: F401 -- loaded before the worker forks, as most do


class Connection(Redis):
    """A connection to the stand-in for Redis, which answers everything that RQ asks but this."""

    def client_info(self, **_: object) -> dict[str, str | int]:
        """Say where the worker is."""
        return {"addr": "127.0.0.1:0"}


connection = Connection("127.0.0.1", int(sys.argv[1]))
getattr(rq, sys.argv[2])([rq.Queue("default", connection=connection)], connection=connection).work(burst=True)
