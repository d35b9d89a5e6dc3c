"""What one call of `track` costs its caller, with a network that answers at once and costs nothing.

Only the CPU time of the calling thread counts: what background threads do is not on the caller's bill here.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import nullcontext
from typing import Any

from tests.benchmarks.handlers.workload import ADDRESSES, LARGE, SMALL

_BURST = 200
_ANSWER = b'{"successful_rows":1,"quarantined_rows":0,"status":1,"code":200,"success":true}'


class NullTransport:
    """A transport of ours that takes everything at once."""

    def send(self, body: bytes, headers: Any, timeout: float) -> Any:
        """Say that all is well."""
        from formo_lambda.transport.protocol import Response

        return Response(200, {}, _ANSWER)


def _silence() -> None:
    """Have every peer's request answered before it reaches the network."""
    if "requests" in sys.modules:
        requests: Any = sys.modules["requests"]

        def answer(adapter: object, request: Any, **_: object) -> Any:
            response = requests.Response()
            response.status_code, response.request, response.url = 200, request, request.url
            response._content = _ANSWER
            return response

        requests.adapters.HTTPAdapter.send = answer
    if "amplitude" in sys.modules:
        client: Any = sys.modules["amplitude.http_client"]
        client.HttpClient.post = lambda *_: client.Response(client.HttpStatus.SUCCESS)


def _load(module: str) -> Any:
    if module == "with_formo":
        import formo_lambda

        construct: Any = formo_lambda.FormoAnalytics
        package: Any = formo_lambda
        package.FormoAnalytics = lambda key, api_host: construct(key, transport=NullTransport())
    loaded = __import__(module)
    _silence()
    return loaded


def _bursts(loaded: Any, addresses: list[str], properties: dict[str, Any], rounds: int) -> list[float]:
    track, flush = loaded.track, loaded.flush
    # Each burst is an invocation of its own, where an SDK has such a thing.
    scope = getattr(loaded, "scope", nullcontext)
    samples = []
    for number in range(rounds + 1):
        wallets = [addresses[(number * _BURST + k) % len(addresses)] for k in range(_BURST)]
        with scope():
            started = time.thread_time()
            for wallet in wallets:
                track(wallet, properties)
            samples.append((time.thread_time() - started) / _BURST * 1e6)
        flush()
    return samples[1:]


def _main() -> None:
    module, rounds = sys.argv[1], int(sys.argv[2])
    loaded = _load(module)
    fresh = ["0x" + os.urandom(20).hex() for _ in range((rounds + 1) * _BURST)]
    print()
    print(
        json.dumps(
            {
                "small": _bursts(loaded, ADDRESSES, SMALL, rounds),
                "2 KB": _bursts(loaded, ADDRESSES, LARGE, rounds),
                "fresh address": _bursts(loaded, fresh, SMALL, rounds),
            }
        ),
        flush=True,
    )
    os._exit(0)


if __name__ == "__main__":
    _main()
