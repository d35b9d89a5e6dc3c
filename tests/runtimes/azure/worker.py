"""Runs a function app in the worker library of Azure Functions: `python worker.py <directory of the app>`.

A process of its own, with nothing of the tests loaded. The host speaks to it in lines of JSON, in the place of gRPC:
the first line that it prints says whether the app could be loaded, and each further one is the answer to an invocation.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
import uuid
from typing import TYPE_CHECKING, Any

import azure_functions_runtime as runtime

if TYPE_CHECKING:
    from typing import TextIO

TICK = 0.01


class _Enumeration(type):
    """Has every name as a value of its own, as far as the worker asks for no number."""

    def __getattr__(cls, name: str) -> str:
        if name.startswith("_"):
            raise AttributeError(name)
        return name


class Message(metaclass=_Enumeration):
    """A protobuf message as far as the worker looks at it: a bag of fields."""

    def __init__(self, **fields: Any) -> None:
        vars(self).update(fields)

    def WhichOneof(self, _: str) -> str | None:  # noqa: N802 - the name is protobuf's
        """Name the field that is set: the first."""
        return next(iter(self.__dict__), None)


class BindingInfo(Message):
    """A binding; the worker compares these with the numbers of the programming model."""

    out = 1
    inout = 2
    undefined = 0


class Messages:
    """The classes of messages, by their names."""

    BindingInfo = BindingInfo

    def __getattr__(self, name: str) -> Any:
        made: Any = _Enumeration(name, (Message,), {})
        setattr(self, name, made)
        return made


class LoopWatch:
    """Measures how long the event loop stands still."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def run(self) -> None:
        """Tick for ever."""
        last = time.monotonic()
        while True:
            await asyncio.sleep(TICK)
            now = time.monotonic()
            self.longest = max(self.longest, now - last - TICK)
            last = now


async def initialize(directory: str) -> str | None:
    """Load the app; return the error, if there is one."""
    request = Message(
        properties={"host": "127.0.0.1", "protos": Messages()},
        request=Message(worker_init_request=Message(capabilities={}, function_app_directory=directory)),
    )
    response = await runtime.worker_init_request(request)
    return None if response.result.status == "Success" else response.result.exception.message


async def invoke(function: str, parameter: str, data: dict[str, Any], retry: int) -> dict[str, Any]:
    """Invoke one function; tell what its host learns."""
    text = json.dumps(data)
    # A request for HTTP triggers, and a message's text for the others.
    typed = (
        Message(
            http=Message(
                method="POST",
                url="http://127.0.0.1/api/swap",
                headers={"content-type": "application/json"},
                body=Message(bytes=text.encode()),
                params={},
                query={},
            )
        )
        if parameter == "req"
        else Message(string=text)
    )
    request = Message(
        request=Message(
            invocation_request=Message(
                invocation_id=str(uuid.uuid4()),
                function_id=str(uuid.uuid5(uuid.NAMESPACE_OID, function)),
                input_data=[Message(data=typed, name=parameter)],
                trigger_metadata={},
                trace_context=Message(trace_parent="", trace_state="", attributes={}),
                retry_context=Message(retry_count=retry, max_retry_count=3, exception=None),
            )
        )
    )
    response = await runtime.invocation_request(request)
    answer: dict[str, Any] = {"status": response.result.status, "answered": time.monotonic()}
    if response.result.status == "Failure":
        return {**answer, "error": response.result.exception.message, "trace": response.result.exception.stack_trace}
    value = getattr(response, "return_value", None)
    if value is not None:
        answer |= {"http_status": int(value.http.status_code), "body": value.http.body.bytes.decode()}
    return answer


async def serve(directory: str, answers: TextIO) -> None:
    """Load the app and invoke what the host asks for, side by side."""

    def tell(document: dict[str, Any]) -> None:
        print(json.dumps(document), file=answers, flush=True)

    runtime.start_threadpool_executor()
    tell({"error": await initialize(directory)})
    watch = LoopWatch()
    loop = asyncio.get_running_loop()

    async def answer(order: dict[str, Any]) -> None:
        result = await invoke(order["function"], order["parameter"], order["data"], order["retry"])
        tell({"number": order["number"], "longest_pause": watch.longest, **result})

    tasks = {loop.create_task(watch.run())}
    while line := await asyncio.to_thread(sys.stdin.readline):
        tasks.add(loop.create_task(answer(json.loads(line))))
    for task in tasks:
        task.cancel()
    runtime.stop_threadpool_executor()


if __name__ == "__main__":
    # What functions print is no answer.
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    asyncio.run(serve(sys.argv[1], channel))
