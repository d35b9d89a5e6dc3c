"""Tasks of a shop, for a Celery worker over a folder of messages."""

from __future__ import annotations

import os
from pathlib import Path

from celery import Celery

from formo_lambda import FormoAnalytics, formo_flush

folder = Path(os.environ["BROKER_FOLDER"])
app = Celery("shop", broker="filesystem://")
app.conf.update(
    broker_transport_options={
        "data_folder_in": str(folder / "messages"),
        "data_folder_out": str(folder / "messages"),
        "control_folder": str(folder / "control"),
    },
    task_ignore_result=True,
)
analytics = FormoAnalytics()


@app.task(name="bought")
def bought(number: int) -> None:
    """Track without a decorator."""
    analytics.track("Bought", properties={"number": number})


@app.task(name="sold")
@formo_flush
def sold(number: int) -> None:
    """Track in a handler."""
    analytics.track("Sold", properties={"number": number})
