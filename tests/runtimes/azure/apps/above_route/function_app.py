"""A function app with our decorator in the wrong place."""

from __future__ import annotations

import azure.functions as func

from formo_lambda import formo_flush

app = func.FunctionApp()


@formo_flush
@app.route("swap")
def swap(req: func.HttpRequest) -> func.HttpResponse:
    """Never run decorated."""
    return func.HttpResponse()
