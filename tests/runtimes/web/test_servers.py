"""The middleware under gunicorn and uvicorn, seen by the client: what counts is its last byte."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.runtimes.timeline import acknowledged
from tests.runtimes.web.server import APPS

if TYPE_CHECKING:
    from tests.runtimes.web.conftest import Site

WSGI = [("gunicorn sync", "flask_app:app"), ("gunicorn gthread", "flask_app:app")]
ASGI = [("uvicorn", "starlette_app:app")]
DJANGO = [("gunicorn gthread", "django_app:wsgi"), ("uvicorn", "django_app:asgi")]
FASTAPI = [("uvicorn", "fastapi_app:app")]
BODY = b"one two three"


@pytest.mark.parametrize("running", WSGI + ASGI + DJANGO + FASTAPI, indirect=True, ids=" ".join)
def test_events_of_a_plain_response_are_delivered_before_its_last_byte(site: Site) -> None:
    """When the client has the whole response, its events were acknowledged."""
    answer = site.server.request(f"/fixed/{site.name}")

    assert (answer.status, answer.body.strip(b'"')) == (200, b"fixed")
    assert acknowledged(site.collector, site.name)[0] <= answer.last_byte


@pytest.mark.parametrize("running", WSGI + ASGI + DJANGO + FASTAPI, indirect=True, ids=" ".join)
def test_events_of_a_stream_are_delivered_before_its_last_byte(site: Site) -> None:
    """A stream is not held back, and when it is complete all its events were acknowledged."""
    answer = site.server.request(f"/stream/{site.name}")

    times = acknowledged(site.collector, site.name)
    assert answer.body == BODY
    assert answer.first_byte < min(times.values())
    assert sorted(times) == [0, 1, 2]
    assert max(times.values()) <= answer.last_byte


@pytest.mark.parametrize("running", WSGI + ASGI, indirect=True, ids=" ".join)
def test_events_of_a_stream_of_known_length_are_delivered_before_its_last_byte(site: Site) -> None:
    """The part that reaches the announced length waits for the events before it; those after it come later."""
    answer = site.server.request(f"/sized/{site.name}")
    site.collector.wait_for(3)

    times = acknowledged(site.collector, site.name)
    assert answer.body == BODY
    assert answer.first_byte < min(times.values())
    assert max(times[0], times[1]) <= answer.last_byte < times[2]


@pytest.mark.parametrize("running", WSGI + ASGI + DJANGO, indirect=True, ids=" ".join)
def test_events_of_a_file_are_delivered_before_its_last_byte(site: Site) -> None:
    """A file is sent by the server as without us, after its events."""
    answer = site.server.request(f"/file/{site.name}")

    assert answer.body == (APPS / "swaps.py").read_bytes()
    assert acknowledged(site.collector, site.name)[0] <= answer.last_byte


@pytest.mark.parametrize("running", WSGI + ASGI, indirect=True, ids=" ".join)
@pytest.mark.parametrize(("method", "path"), [("HEAD", "/fixed"), ("GET", "/nothing")])
def test_events_of_a_response_without_a_body_are_delivered_before_its_head(site: Site, method: str, path: str) -> None:
    """Where the head is all that the client waits for, the events were acknowledged when it comes."""
    answer = site.server.request(f"{path}/{site.name}", method)

    assert answer.body == b""
    assert acknowledged(site.collector, site.name)[0] <= answer.last_byte


@pytest.mark.parametrize("running", WSGI + ASGI, indirect=True, ids=" ".join)
def test_a_failing_request_fails_as_without_us(site: Site) -> None:
    """The framework answers with 500 for the exception, and its events were acknowledged by then."""
    answer = site.server.request(f"/failing/{site.name}")

    assert answer.status == 500
    assert site.server.has_logged("LookupError: no such pool")
    assert acknowledged(site.collector, site.name)[0] <= answer.last_byte


@pytest.mark.parametrize("running", WSGI + ASGI, indirect=True, ids=" ".join)
def test_events_of_a_client_that_is_gone_are_delivered(site: Site) -> None:
    """When the client leaves in the middle of a stream, what was tracked by then arrives at once."""
    site.server.hang_up(f"/endless/{site.name}")
    site.collector.wait_for(2)

    assert sorted(acknowledged(site.collector, site.name)) == [0, 1]


@pytest.mark.parametrize("running", [*ASGI, *FASTAPI], indirect=True, ids=" ".join)
def test_events_of_background_tasks_are_delivered(site: Site) -> None:
    """A background task does not keep the client waiting, and its events arrive right after it."""
    answer = site.server.request(f"/background/{site.name}")
    site.collector.wait_for(2)

    times = acknowledged(site.collector, site.name)
    assert times[0] <= answer.last_byte < times[1]


@pytest.mark.parametrize(
    ("running", "path"),
    [
        (("gunicorn gthread", "flask_app:app"), "/stream"),
        (("uvicorn", "starlette_app:app"), "/stream"),
        (("uvicorn", "django_app:asgi"), "/asynchronous"),
    ],
    indirect=["running"],
)
def test_parallel_requests_deliver_their_own_events(site: Site, path: str) -> None:
    """Eight requests at once each have their own events acknowledged before their last byte."""
    names = [f"{site.name}-{number}" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = dict(zip(names, pool.map(lambda name: site.server.request(f"{path}/{name}"), names), strict=True))

    for name, answer in answers.items():
        times = acknowledged(site.collector, name)
        assert len(times) == (3 if path == "/stream" else 1)
        assert max(times.values()) <= answer.last_byte
    assert site.collector.events == site.collector.unique_events
