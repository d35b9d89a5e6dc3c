"""Tasks of a shop, for a Celery worker over a folder of messages."""

from __future__ import annotations

import os
import time
from pathlib import Path

from celery import Celery
from celery.exceptions import SoftTimeLimitExceeded

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


class _Slow(os.PathLike[str]):
    """A value that takes longer to be read than its task may."""

    def __fspath__(self) -> str:
        time.sleep(20.0)
        return "read"


@app.task(name="tried", soft_time_limit=1)
@formo_flush
def tried(number: int) -> None:
    """Track what takes too long, and then that it did."""
    try:
        analytics.track("Tried", properties={"number": number, "slow": _Slow()})
    except SoftTimeLimitExceeded:
        analytics.track("Timed Out", properties={"number": number})
