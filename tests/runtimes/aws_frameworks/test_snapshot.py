"""SnapStart: processes that are copies of one."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from tests.runtimes.aws_frameworks.arrivals import in_time

if TYPE_CHECKING:
    from formo_lambda.testing import LocalCollector
    from tests.runtimes.aws_frameworks.conftest import Deploy

SNAP_START = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}


def test_copies_with_dead_connections_deliver_in_time(deploy: Deploy, collector: LocalCollector) -> None:
    """After the restore the connection from before is dead: the events arrive before the response all the same."""
    sandbox = deploy("snapshot.handler", **SNAP_START)
    sandbox.start()
    assert [event["event"] for event in collector.events] == ["Warmed Up"]
    for connection in list(collector._server._open.values()):
        connection.shutdown(socket.SHUT_RDWR)

    invocation = sandbox.invoke({"name": "restored", "count": 5})

    assert invocation.response["hooks"] == ["before", "after"]
    assert in_time(collector, "restored", invocation) == 5
    assert collector.problems == []


def test_copies_do_not_share_message_ids(deploy: Deploy, collector: LocalCollector) -> None:
    """Two copies with the same random state make different message ids."""
    responses = [
        deploy("snapshot.handler", **SNAP_START).invoke({"name": name, "count": 20}).response for name in ("a", "b")
    ]

    assert responses[0]["random"] == responses[1]["random"]
    assert len({*responses[0]["ids"], *responses[1]["ids"]}) == 40
