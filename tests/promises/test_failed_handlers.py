"""What becomes of the events of work that failed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from formo_lambda import ConfigurationError, FlushResult, FormoAnalytics, formo_flush
from formo_lambda.testing import FakeLambdaContext, RecordingTransport
from tests.client.recorded import names

if TYPE_CHECKING:
    from tests.client.recorded import MakeClient


class PaymentError(Exception):
    """What the handlers here fail with."""


def pay(body: str) -> None:
    """Fail for a bad record."""
    if body == "bad":
        raise PaymentError


def left_by(error: BaseException, client: FormoAnalytics, on_exception: Any) -> FlushResult:
    """Leave an invocation with one event by an error, and return what its flush said."""
    run = client.invocation(on_exception=on_exception)
    with pytest.raises(type(error)) as caught, run:
        client.track("Payment Tried")
        raise error
    assert caught.value is error
    assert run.result is not None
    return run.result


class TestRules:
    """`on_exception` of an outermost invocation."""

    def test_send(self, client: FormoAnalytics) -> None:
        """By default the events of a failure are sent."""
        result = left_by(PaymentError(), client, "send")
        assert (result.sent, result.discarded) == (1, 0)

    def test_discard(self, client: FormoAnalytics, transport: RecordingTransport) -> None:
        """Discarded events are not sent, and counted in the result and in the totals."""
        result = left_by(PaymentError(), client, "discard")
        assert (result.sent, result.discarded, result.ok) == (0, 1, True)
        assert (client.stats.discarded, client.stats.tracked, client.stats.buffered) == (1, 1, 0)
        assert transport.requests == []

    def test_discard_does_not_concern_success(self, client: FormoAnalytics) -> None:
        """Under "discard" the events of what succeeds are sent."""
        with client.invocation(on_exception="discard") as run:
            client.track("Payment Made")
        assert run.result is not None
        assert (run.result.sent, run.result.discarded) == (1, 0)

    @pytest.mark.parametrize(("error", "sent"), [(PaymentError(), 1), (KeyError(), 0)])
    def test_a_callable_decides(self, client: FormoAnalytics, error: Exception, sent: int) -> None:
        """A callable is given the exception itself and says whether its events count."""
        given = []

        def decide(error: BaseException) -> bool:
            given.append(error)
            return isinstance(error, PaymentError)

        result = left_by(error, client, decide)
        assert (result.sent, result.discarded) == (sent, 1 - sent)
        assert given == [error]

    def test_a_callable_that_raises(self, client: FormoAnalytics, caplog: pytest.LogCaptureFixture) -> None:
        """A callable that raises itself loses no event and changes no exception; the log says so."""

        def decide(error: BaseException) -> NoReturn:
            raise RuntimeError

        assert left_by(PaymentError(), client, decide).sent == 1
        assert "on_exception raised" in caplog.text

    @pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1), asyncio.CancelledError()])
    def test_interruptions_are_failures(self, client: FormoAnalytics, error: BaseException) -> None:
        """An interruption, a cancellation and an exit with an error are failures, and come out as they are."""
        assert left_by(error, client, "discard").discarded == 1

    @pytest.mark.parametrize("code", [None, 0])
    def test_a_good_exit_is_none(self, client: FormoAnalytics, code: int | None) -> None:
        """An exit that says all is well discards nothing."""
        assert left_by(SystemExit(code), client, "discard").sent == 1

    @pytest.mark.parametrize("rule", ["ignore", "", None, True, 1])
    def test_what_is_no_rule(self, client: FormoAnalytics, rule: Any) -> None:
        """Anything else is refused where it is passed."""
        with pytest.raises(ConfigurationError, match="on_exception"):
            client.invocation(on_exception=rule)

    def test_nothing_that_may_be_discarded_leaves_early(
        self, make_client: MakeClient, transport: RecordingTransport
    ) -> None:
        """Even a buffer that is full many times over waits for how the handler ends."""
        client = make_client(flush_at=2)
        run = client.invocation(on_exception="discard")
        with pytest.raises(PaymentError), run:
            for _ in range(50):
                client.track("Payment Tried")
            raise PaymentError
        assert run.result is not None
        assert run.result.discarded == 50
        assert transport.requests == []

    def test_events_of_others_are_not_discarded(self, client: FormoAnalytics, transport: RecordingTransport) -> None:
        """What was tracked outside of the invocation leaves with its flush, though its own events are discarded."""
        client.track("Process Started")
        result = left_by(PaymentError(), client, "discard")
        assert names(transport) == ["Process Started"]
        assert (result.sent, result.discarded) == (1, 1)

    def test_all_clients_that_wrote_are_in_the_result(self, make_client: MakeClient) -> None:
        """The discarded events of several clients are added up."""
        clients = [make_client() for _ in range(3)]
        run = clients[0].invocation(on_exception="discard")
        with pytest.raises(PaymentError), run:
            for client in clients:
                client.track("Payment Tried")
            raise PaymentError
        assert run.result is not None
        assert run.result.discarded == 3

    def test_the_result_does_not_depend_on_a_thread(
        self, client: FormoAnalytics, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where no thread can be started, the result says what was discarded as well."""
        monkeypatch.setattr("formo_lambda.delivery.workers.workers.submit", lambda *arguments, **options: False)
        assert left_by(PaymentError(), client, "discard").discarded == 1

    @pytest.mark.parametrize("rule", ["send", "discard"])
    def test_the_decorator_follows_the_same_rule(
        self, client: FormoAnalytics, transport: RecordingTransport, rule: Any
    ) -> None:
        """A decorated handler that raises has its events sent or discarded, and raises what it raised."""
        error = PaymentError()

        @formo_flush(on_exception=rule)
        def handler(event: object, context: object) -> NoReturn:
            client.track("Payment Tried")
            raise error

        with pytest.raises(PaymentError) as caught:
            handler({}, FakeLambdaContext())
        assert caught.value is error
        assert len(transport.events) == (rule == "send")
        assert client.stats.discarded == (rule == "discard")


class TestPartialBatches:
    """A nested scope for each record: the failed ones are discarded alone."""

    def test_sqs_batch_item_failures(self, client: FormoAnalytics, transport: RecordingTransport) -> None:
        """Of a batch only the records that succeeded are sent, in one request, and the others counted as discarded."""

        @formo_flush
        def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
            failures = []
            client.track("Batch Received")
            for record in event["Records"]:
                try:
                    with client.invocation(on_exception="discard"):
                        client.track(f"Payment {record['messageId']} Tried")
                        pay(record["body"])
                        client.track(f"Payment {record['messageId']} Made")
                except PaymentError:
                    failures.append({"itemIdentifier": record["messageId"]})
            return {"batchItemFailures": failures}

        records = [{"messageId": str(number), "body": "bad" if number in (2, 3) else "good"} for number in (1, 2, 3, 4)]
        answer = handler({"Records": records}, FakeLambdaContext())
        assert answer == {"batchItemFailures": [{"itemIdentifier": "2"}, {"itemIdentifier": "3"}]}
        assert names(transport) == [
            "Batch Received",
            "Payment 1 Tried",
            "Payment 1 Made",
            "Payment 4 Tried",
            "Payment 4 Made",
        ]
        assert len(transport.requests) == 1
        assert (client.stats.discarded, client.stats.sent, client.stats.tracked) == (2, 5, 7)

    def test_records_side_by_side(self, client: FormoAnalytics, transport: RecordingTransport) -> None:
        """Records that asyncio handles at once are discarded each alone."""

        async def pay(number: int) -> None:
            async with client.invocation(on_exception="discard"):
                client.track(f"Payment {number} Tried")
                await asyncio.sleep(0)
                if number % 2:
                    raise PaymentError
                client.track(f"Payment {number} Made")

        @formo_flush
        async def handler(event: object, context: object) -> list[Any]:
            return await asyncio.gather(*map(pay, range(6)), return_exceptions=True)

        results = asyncio.run(handler({}, FakeLambdaContext()))
        assert [type(result) for result in results] == [type(None), PaymentError] * 3
        assert sorted(names(transport)) == sorted(f"Payment {n} {end}" for n in (0, 2, 4) for end in ("Made", "Tried"))
        assert client.stats.discarded == 3

    def test_the_outer_result_says_what_was_discarded(self, client: FormoAnalytics) -> None:
        """The flush of the whole says how many events of its parts were discarded, also of parts within parts."""
        with client.invocation() as run:
            client.track("Kept")
            for _ in range(2):
                with pytest.raises(PaymentError), client.invocation(on_exception="discard"):
                    client.track("Dropped")
                    with client.invocation():
                        client.track("Dropped")
                    raise PaymentError
        assert run.result is not None
        assert (run.result.sent, run.result.discarded, run.result.ok) == (1, 4, True)

    def test_a_part_that_succeeded_shares_the_fate_of_the_whole(
        self, client: FormoAnalytics, transport: RecordingTransport
    ) -> None:
        """Events that joined a whole are discarded with it where that is its rule."""
        run = client.invocation(on_exception="discard")
        with pytest.raises(PaymentError), run:
            with client.invocation(on_exception="send"):
                client.track("Part Done")
            raise PaymentError
        assert transport.requests == []
        assert client.stats.discarded == 1

    def test_events_sent_early_are_none_of_a_part(self, make_client: MakeClient, transport: RecordingTransport) -> None:
        """While the whole's full buffer leaves early, a part that may be discarded is kept back, and discarded."""
        client = make_client(flush_at=2)
        with client.invocation():
            for _ in range(4):
                client.track("Kept")
            with pytest.raises(PaymentError), client.invocation(on_exception="discard"):
                for _ in range(10):
                    client.track("Dropped")
                raise PaymentError
        assert names(transport) == ["Kept"] * 4
        assert client.stats.discarded == 10
