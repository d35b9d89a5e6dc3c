"""Work that is done again is counted once, and nothing new is lost by it."""

from __future__ import annotations

import threading
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from formo_lambda import ConfigurationError, FormoAnalytics, ValidationError, formo_flush
from formo_lambda.testing import FakeLambdaContext, RecordingTransport

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.client.recorded import MakeClient

ALICE = "0x9798d87366bdfc5d70b300abdffc4f9e95369b3d"
BOB = "0x00000000219ab540356cbb839cbe05303d7705fa"


def ids(transport: RecordingTransport) -> list[str]:
    """Return the message ids of all events that arrived."""
    return [event["message_id"] for event in transport.events]


def counted(transport: RecordingTransport) -> list[str]:
    """Return the names of the events that Formo's tables show, sorted."""
    return sorted(event["event"] for event in transport.unique_events)


class TestRetries:
    """What platforms and queues do when a handler failed, or when they cannot know that it did not."""

    def test_an_sqs_message_delivered_twice(self, client: FormoAnalytics, transport: RecordingTransport) -> None:
        """A message that comes again after a part of its batch failed is counted once, and the failed one too."""
        failing = ["m-2"]

        def settle(message: str) -> None:
            if message in failing:
                failing.remove(message)
                raise ConnectionError

        @formo_flush
        def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
            failures = []
            for record in event["Records"]:
                message = record["messageId"]
                try:
                    with client.invocation(idempotency_key=message):
                        client.track("Swap Received", address=ALICE)
                        settle(message)
                        client.track("Swap Settled", address=ALICE)
                except ConnectionError:
                    failures.append({"itemIdentifier": message})
            return {"batchItemFailures": failures}

        records = [{"messageId": f"m-{number}", "eventSource": "aws:sqs", "body": "{}"} for number in (1, 2, 3)]
        failed = handler({"Records": records}, FakeLambdaContext())["batchItemFailures"]
        assert failed == [{"itemIdentifier": "m-2"}]
        # The failed one comes again, and with it one that had succeeded: delivery is at least once.
        assert handler({"Records": records[1:]}, FakeLambdaContext()) == {"batchItemFailures": []}
        assert counted(transport) == ["Swap Received"] * 3 + ["Swap Settled"] * 3
        assert len(transport.events) == 5 + 4

    def test_an_async_invocation_retried(self, client: FormoAnalytics, transport: RecordingTransport) -> None:
        """An asynchronous invocation that AWS repeats, with its request id, is counted once."""
        failures = [TimeoutError(), None]

        @formo_flush(idempotency=lambda event, context: context.aws_request_id)
        def handler(event: object, context: FakeLambdaContext) -> None:
            client.track("Import Started", address=ALICE)
            error = failures.pop(0)
            if error is not None:
                raise error
            client.track("Import Finished", address=ALICE)

        with pytest.raises(TimeoutError):
            handler({}, FakeLambdaContext(request_id="r-1"))
        handler({}, FakeLambdaContext(request_id="r-1"))
        assert counted(transport) == ["Import Finished", "Import Started"]
        assert len(transport.events) == 3

    def test_a_success_after_a_reported_failure(self, client: FormoAnalytics, transport: RecordingTransport) -> None:
        """What only the repetition tracks is counted, though the first attempt tracked something else in its place."""
        for outcome in ("Order Failed", "Order Paid"):
            with client.invocation(idempotency_key="order-7"):
                client.track("Order Received", address=ALICE)
                client.track(outcome, address=ALICE)
        assert counted(transport) == ["Order Failed", "Order Paid", "Order Received"]

    def test_a_repetition_that_is_cut_short(self, client: FormoAnalytics, transport: RecordingTransport) -> None:
        """Of several equal events, those that the first attempt did not reach are counted when they come."""
        for reached in (2, 5):
            with client.invocation(idempotency_key="batch-1"):
                for _ in range(reached):
                    client.track("Row Imported", address=ALICE)
        assert len(transport.events) == 7
        assert len(transport.unique_events) == 5

    def test_events_of_other_wallets_and_types_in_between(
        self, client: FormoAnalytics, transport: RecordingTransport
    ) -> None:
        """A repetition that leaves out one wallet's events gives those of the others the ids they had."""

        def work(*wallets: str) -> None:
            with client.invocation(idempotency_key="job"):
                for wallet in wallets:
                    client.connect(wallet, chain_id=1)
                    client.track("Paid", address=wallet)
                    client.identify(wallet)

        work(ALICE, BOB)
        work(BOB.upper().replace("0X", "0x"))
        assert len(transport.events) == 9
        assert len(transport.unique_events) == 6

    def test_a_repetition_after_a_partly_refused_delivery(
        self, make_client: MakeClient, transport: RecordingTransport
    ) -> None:
        """Where the server took one batch of the first attempt and not the other, all is counted once in the end."""
        client = make_client(flush_at=10, retry_count=0)
        transport.respond_with(200, 500)
        for _ in range(2):
            with client.invocation(idempotency_key="import-1"):
                for row in range(15):
                    client.track("Row Imported", address=ALICE, properties={"row": row})
        client.flush()
        assert sorted(event["properties"]["row"] for event in transport.unique_events) == list(range(15))
        assert client.stats.tracked == 30
        assert client.stats.undelivered == 0


class TestDurableFunctions:
    """Functions that are replayed from the top each time they go on, without the steps that are done."""

    @staticmethod
    def replayed(client: FormoAnalytics, track_step: Callable[[str], object]) -> None:
        """Run a durable function to its end: three steps, a suspension after each."""
        done: set[str] = set()

        class Suspended(BaseException):
            pass

        def step(name: str) -> None:
            if name not in done:
                track_step(name)
                done.add(name)
                raise Suspended

        # Outermost, as durable execution wants it: it sees the event, and every suspension.
        @formo_flush(idempotency=lambda event, context: event["DurableExecutionArn"])
        def handler(event: dict[str, Any], context: object) -> None:
            client.track("Payout Requested", address=ALICE)
            for number in (1, 2, 3):
                step(f"step-{number}")
                client.track(f"Stage {number} Reached", address=ALICE)

        arn = "arn:aws:lambda:us-east-1:123456789012:function:f:1/durable-execution/e/1"
        while True:
            try:
                return handler({"DurableExecutionArn": arn}, FakeLambdaContext())
            except Suspended:
                continue

    def test_what_is_tracked_between_steps(self, client: FormoAnalytics, transport: RecordingTransport) -> None:
        """Events around the steps, tracked anew at each replay, are counted once, and no event of a step is lost."""
        self.replayed(client, lambda name: client.track(f"{name} done", address=ALICE))
        stages, steps = [f"Stage {n} Reached" for n in (1, 2, 3)], [f"step-{n} done" for n in (1, 2, 3)]
        assert counted(transport) == ["Payout Requested", *stages, *steps]
        assert len(transport.events) == (1 + 1) + (1 + 1 + 1) + (1 + 2 + 1) + (1 + 3)

    def test_what_is_tracked_within_steps(self, client: FormoAnalytics, transport: RecordingTransport) -> None:
        """Equal events within steps, which a replay leaves out, are counted where each step has a key of its own."""

        def track_step(name: str) -> None:
            with client.invocation(idempotency_key=f"execution-1/{name}"):
                client.track("Transfer Sent", address=ALICE)

        self.replayed(client, track_step)
        assert counted(transport).count("Transfer Sent") == 3
        assert len(transport.unique_events) == 7


class TestScopes:
    """Which key counts."""

    def test_the_nearest_key_counts(self, client: FormoAnalytics, transport: RecordingTransport) -> None:
        """A nested scope with a key of its own gives the same ids under whatever outer key."""
        for attempt in ("first", "second"):
            with client.invocation(idempotency_key=attempt):
                client.track("Outer")
                with client.invocation(idempotency_key="message"), client.invocation():
                    client.track("Inner")
        assert counted(transport) == ["Inner", "Outer", "Outer"]

    def test_a_nested_scope_without_a_key_shares_the_outer_ones(
        self, client: FormoAnalytics, transport: RecordingTransport
    ) -> None:
        """Equal events inside and outside of a nested scope without a key are two events."""
        for _ in range(2):
            with client.invocation(idempotency_key="key"):
                client.track("Step")
                with client.invocation():
                    client.track("Step")
                client.track("Step")
        assert len(transport.events) == 6
        assert len(transport.unique_events) == 3

    def test_two_clients_of_one_project_share_a_key(
        self, make_client: MakeClient, transport: RecordingTransport
    ) -> None:
        """Equal events of two clients are two events, and stay two when they are repeated."""
        clients = make_client(), make_client()
        for _ in range(2):
            with clients[0].invocation(idempotency_key="key"):
                for client in clients:
                    client.track("Seen", address=ALICE)
        assert len(transport.events) == 4
        assert len(transport.unique_events) == 2

    def test_without_a_key_ids_are_random(self, client: FormoAnalytics, transport: RecordingTransport) -> None:
        """Invocations without a key, and events outside of any, have ids of their own."""
        for _ in range(2):
            with client.invocation():
                client.track("Seen")
            client.track("Seen")
        client.flush()
        assert len(transport.unique_events) == 4

    def test_a_given_id_goes_before_a_derived_one(self, client: FormoAnalytics, transport: RecordingTransport) -> None:
        """An event with an id of the caller's keeps it, and its neighbours have the ids they have without it."""
        with client.invocation(idempotency_key="key"):
            first = client.track("Seen")
        with client.invocation(idempotency_key="key"):
            client.track("Seen", message_id="mine")
            client.track("Seen")
        assert ids(transport) == [first, "mine", first]

    def test_refused_events_change_no_id(self, client: FormoAnalytics, transport: RecordingTransport) -> None:
        """An invalid event among the others changes no id of theirs, however invalid it is."""
        with client.invocation(idempotency_key="key"):
            first = client.track("Seen", address=ALICE)
        with client.invocation(idempotency_key="key"):
            invalid: Any
            for invalid in ("", None, 5, [], {}, b"Seen"):
                with pytest.raises(ValidationError):
                    client.track(invalid, address=ALICE)
            with pytest.raises(ValidationError):
                client.track("Seen", address=f"{ALICE}0")
            assert client.track("Seen", address=ALICE) == first
        assert ids(transport) == [first, first]

    def test_threads_share_the_ordinals(self, client: FormoAnalytics, transport: RecordingTransport) -> None:
        """Equal events tracked by threads at once get different ids, and the same set of them when repeated."""
        for _ in range(2):
            with client.invocation(idempotency_key="key"):
                threads = [threading.Thread(target=lambda: [client.track("Seen") for _ in range(50)]) for _ in range(4)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
        assert len(transport.events) == 400
        assert len(transport.unique_events) == 200


class TestKeys:
    """What can be a key."""

    @pytest.mark.parametrize("key", ["message-1", 7, uuid.UUID(int=7), "é\ud800", "a\0b", "x" * 10_000])
    def test_strings_integers_and_uuids(self, client: FormoAnalytics, key: Any) -> None:
        """A key of these types gives the same ids each time, which are UUIDs."""
        made = []
        for _ in range(2):
            with client.invocation(idempotency_key=key):
                made.append(client.track("Seen"))
        assert made[0] == made[1] == str(uuid.UUID(made[0]))

    def test_an_empty_key_is_none(self, client: FormoAnalytics, caplog: pytest.LogCaptureFixture) -> None:
        """Work whose key is empty is not taken for one and the same: its ids are random, and a warning says so."""
        made = []
        for _ in range(2):
            with client.invocation(idempotency_key=""):
                made.append(client.track("Seen"))
        assert made[0] != made[1]
        assert "empty idempotency key" in caplog.text

    @pytest.mark.parametrize("key", [True, 1.5, b"bytes", ["list"], {"messageId": "1"}])
    def test_what_is_no_key(self, client: FormoAnalytics, key: Any) -> None:
        """Anything else is refused where it is passed, since its text may differ the next time."""
        with pytest.raises(ConfigurationError, match="idempotency_key"):
            client.invocation(idempotency_key=key)
        assert client.stats.tracked == 0

    @pytest.mark.parametrize("key", [True, 1.5, {"messageId": "1"}, ["1"]])
    def test_a_decorated_handler_whose_key_is_none(
        self, client: FormoAnalytics, transport: RecordingTransport, caplog: pytest.LogCaptureFixture, key: Any
    ) -> None:
        """A handler that derives something else than a key runs as ever, with random ids, and the log says why."""

        @formo_flush(idempotency=lambda event, context: key)
        def handler(event: object, context: object) -> None:
            client.track("Seen")

        for _ in range(2):
            handler({}, FakeLambdaContext())
        assert len(transport.unique_events) == 2
        assert "idempotency gave no key" in caplog.text

    @pytest.mark.parametrize("key", ["m-1", 7, uuid.UUID(int=7)])
    def test_a_decorated_handler_with_a_key(
        self, client: FormoAnalytics, transport: RecordingTransport, key: Any
    ) -> None:
        """A handler's keys may be of all types that an invocation's may be."""

        @formo_flush(idempotency=lambda event, context: key)
        def handler(event: object, context: object) -> None:
            client.track("Seen")

        for _ in range(2):
            handler({}, FakeLambdaContext())
        assert len(transport.unique_events) == 1

    def test_a_key_that_cannot_be_told(
        self, client: FormoAnalytics, transport: RecordingTransport, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A handler whose key raises runs as ever, its events get random ids, and the log says why."""

        @formo_flush(idempotency=lambda event, context: event["id"])
        def handler(event: object, context: object) -> str:
            client.track("Seen")
            return "done"

        assert [handler({}, FakeLambdaContext()) for _ in range(2)] == ["done", "done"]
        assert len(transport.unique_events) == 2
        assert "idempotency gave no key" in caplog.text
