"""The AWS Lambda sample, as its template deploys it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from cfnlint.decode import cfn_yaml

from formo_lambda.testing import LocalCollector
from tests.package.project import ROOT
from tests.runtimes.sandbox import LambdaSandbox

SAMPLE = ROOT / "samples" / "aws_lambda"
TEMPLATE = SAMPLE / "template.yaml"
SWAP = {
    "id": "s-1",
    "wallet": "0x9798d87366bdfc5d70b300abdffc4f9e95369b3d",
    "pair": "ETH/USDC",
    "volume": 4500,
    "fee": 13.5,
}


def function_of(template: Path) -> dict[str, Any]:
    """Give the properties of the template's function."""
    properties: dict[str, Any] = cfn_yaml.load(str(template))["Resources"]["SwapWebhook"]["Properties"]
    return properties


def test_swap_becomes_two_events_before_the_response() -> None:
    """A posted swap arrives as an identify and a track event of its wallet, before the webhook answers."""
    function = function_of(TEMPLATE)
    variables = dict.fromkeys(function["Environment"]["Variables"], "a-write-key")
    with LocalCollector(write_key="a-write-key") as collector:
        environment = {**variables, "FORMO_EVENTS_BASE_URL": collector.url}
        with LambdaSandbox(function["Handler"], directory=SAMPLE, environment=environment) as sandbox:
            invocation = sandbox.invoke({"body": json.dumps(SWAP)}, timeout=function["Timeout"])

    assert invocation.response == {"statusCode": 200, "body": '{"swap": "s-1"}'}
    identify, track = collector.events
    assert (identify["type"], track["type"], track["event"]) == ("identify", "track", "Swap Completed")
    assert identify["address"] == track["address"] == "0x9798d87366BDfC5d70B300AbDfFc4F9E95369b3D"
    assert track["properties"] == {"pair": "ETH/USDC", "volume": 4500, "revenue": 13.5, "currency": "usd"}
    assert track["message_id"] == "swap-s-1"
    assert invocation.answered is not None
    assert collector.arrived_at(track["message_id"]) <= invocation.answered
    assert collector.problems == []


def test_template_is_valid() -> None:
    """cfn-lint passes the template without an error or a warning."""
    command = Path(sysconfig.get_path("scripts")) / "cfn-lint"
    run = subprocess.run([command, TEMPLATE], capture_output=True, text=True, check=False)

    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_template_hands_the_write_key_over_as_a_secret() -> None:
    """The write key is a parameter that is never shown, and the function's environment refers to it."""
    parameters = cfn_yaml.load(str(TEMPLATE))["Parameters"]
    variables = function_of(TEMPLATE)["Environment"]["Variables"]

    assert variables == {"FORMO_WRITE_KEY": {"Ref": "FormoWriteKey"}}
    assert parameters["FormoWriteKey"]["NoEcho"] is True


def test_sample_is_short() -> None:
    """The whole function fits on one screen: at most 30 lines."""
    assert len((SAMPLE / "app.py").read_text(encoding="utf-8").splitlines()) <= 30


def test_demo_finds_every_event_in_time_and_is_drawn(tmp_path: Path) -> None:
    """The demo finds all six events of its three swaps in time, and draws what its picture shows, times aside."""
    drawn = tmp_path / "demo.svg"
    command = [sys.executable, "-m", "samples.demo", str(drawn)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)

    assert (run.returncode, run.stderr) == (0, "")
    assert "6 of 6 events arrived before the response" in run.stdout
    assert words_of(drawn) == words_of(ROOT / "samples" / "demo.svg")


def words_of(picture: Path) -> list[str]:
    """Return all that a picture says, without its times."""
    said = [element.text or "" for element in ET.parse(picture).iter() if element.text]
    return [re.sub(r"\d+\.\d ms", "... ms", words) for words in said]
