"""A function app with our decorator in the wrong place."""

from __future__ import annotations

import azure.functions as func

from formo_lambda import formo_flush

app = func.FunctionApp()


@formo_flush
@app.queue_trigger(arg_name="message", queue_name="swaps", connection="Storage")
def swap(message: func.QueueMessage) -> None:
    """Never run decorated."""
    message.get_body()
