"""A function app: sync and async functions of several triggers, ours innermost."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import azure.functions as func

from formo_lambda import FormoAnalytics, formo_flush

app = func.FunctionApp()
analytics = FormoAnalytics()


def track_swaps(name: str, count: int) -> list[str]:
    """Track swaps that belong to one invocation; give their ids."""
    return [
        analytics.track("Swap Completed", properties={"invocation": name, "number": number}) for number in range(count)
    ]


def answer(document: Any) -> func.HttpResponse:
    """Make an answer of JSON."""
    return func.HttpResponse(json.dumps(document), mimetype="application/json")


@app.route("sync")
@formo_flush
def sync(req: func.HttpRequest) -> func.HttpResponse:
    """Be a plain function."""
    return answer({"ids": track_swaps(**req.get_json())})


@app.route("coroutine")
@formo_flush
async def coroutine(req: func.HttpRequest) -> func.HttpResponse:
    """Be a coroutine function."""
    await asyncio.sleep(0)
    return answer({"ids": track_swaps(**req.get_json())})


@app.route("with_context")
@formo_flush
def with_context(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Take the context too, which knows no deadline."""
    track_swaps(**req.get_json())
    return answer({"function": context.function_name, "invocation": context.invocation_id})


@app.function_name("renamed")
@app.route("other")
@formo_flush(timeout=1.0)
async def named_otherwise(req: func.HttpRequest) -> func.HttpResponse:
    """Have another name, and options."""
    return answer({"ids": track_swaps(**req.get_json())})


@app.queue_trigger(arg_name="message", queue_name="swaps", connection="Storage")
@formo_flush
def queued(message: func.QueueMessage) -> None:
    """Take a message of a queue, and return nothing."""
    track_swaps(**json.loads(message.get_body()))


@app.queue_trigger(arg_name="message", queue_name="more", connection="Storage")
@formo_flush(idempotency=lambda message: message.get_body().decode())
async def queued_once(message: func.QueueMessage) -> None:
    """Take a message of a queue that may come again."""
    track_swaps(**json.loads(message.get_body()))
    raise LookupError("no such pool")


@app.route("fail")
@formo_flush
def fail(req: func.HttpRequest) -> func.HttpResponse:
    """Raise after tracking."""
    track_swaps(**req.get_json())
    raise LookupError("no such pool")


@app.route("fail_async")
@formo_flush
async def fail_async(req: func.HttpRequest) -> func.HttpResponse:
    """Raise after tracking."""
    track_swaps(**req.get_json())
    raise LookupError("no such pool")


@app.route("slow_sync")
@formo_flush
def slow_sync(req: func.HttpRequest) -> func.HttpResponse:
    """Track over a while."""
    name, count = req.get_json()["name"], req.get_json()["count"]
    ids = []
    for _ in range(count):
        time.sleep(0.02)
        ids += track_swaps(name, 1)
    return answer({"ids": ids})


@app.route("slow_async")
@formo_flush
async def slow_async(req: func.HttpRequest) -> func.HttpResponse:
    """Track over a while."""
    name, count = req.get_json()["name"], req.get_json()["count"]
    ids = []
    for _ in range(count):
        await asyncio.sleep(0.02)
        ids += track_swaps(name, 1)
    return answer({"ids": ids})
