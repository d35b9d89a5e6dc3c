"""The sample of FastAPI on AWS Lambda, as its template deploys it."""

from __future__ import annotations

import json
import subprocess
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfnlint.decode import cfn_yaml

from tests.runtimes.environments import interpreter
from tests.runtimes.sandbox import LambdaSandbox
from tests.runtimes.swap import SAMPLES, SWAP, assert_swap_arrived, import_without_key, lines_of

if TYPE_CHECKING:
    from formo_lambda.testing import LocalCollector

SAMPLE = SAMPLES / "aws_lambda_fastapi"
MODULE = SAMPLE / "app.py"
TEMPLATE = SAMPLE / "template.yaml"


def post(body: str) -> dict[str, Any]:
    """The event of an HTTP API for a POST request."""
    return {
        "version": "2.0",
        "routeKey": "POST /swaps",
        "rawPath": "/swaps",
        "rawQueryString": "",
        "headers": {"host": "swaps.test", "content-type": "application/json"},
        "requestContext": {"http": {"method": "POST", "path": "/swaps", "sourceIp": "192.0.2.1"}},
        "body": body,
        "isBase64Encoded": False,
    }


def test_swap_becomes_two_events_before_the_response(collector: LocalCollector) -> None:
    """A posted swap arrives as an identify and a track event of its wallet, before the API answers."""
    function = cfn_yaml.load(str(TEMPLATE))["Resources"]["SwapApi"]["Properties"]
    environment = {"FORMO_WRITE_KEY": "a-write-key", "FORMO_EVENTS_BASE_URL": collector.url}
    python = interpreter("lambda_frameworks", "3.13")
    with LambdaSandbox(function["Handler"], directory=SAMPLE, environment=environment, python=python) as sandbox:
        invocation = sandbox.invoke(post(json.dumps(SWAP)), timeout=function["Timeout"])

    assert (invocation.response["statusCode"], invocation.response["body"]) == (200, '{"swap":"s-1"}')
    assert invocation.answered is not None
    assert_swap_arrived(collector, invocation.answered)


def test_template_is_valid() -> None:
    """cfn-lint passes the template without an error or a warning."""
    command = Path(sysconfig.get_path("scripts")) / "cfn-lint"
    run = subprocess.run([command, TEMPLATE], capture_output=True, text=True, check=False)

    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_template_hands_the_write_key_over_as_a_secret() -> None:
    """The write key is a parameter that is never shown, and the function's environment refers to it."""
    template = cfn_yaml.load(str(TEMPLATE))
    variables = template["Resources"]["SwapApi"]["Properties"]["Environment"]["Variables"]

    assert variables == {"FORMO_WRITE_KEY": {"Ref": "FormoWriteKey"}}
    assert template["Parameters"]["FormoWriteKey"]["NoEcho"] is True


def test_sample_can_be_built_without_a_key() -> None:
    """With FORMO_DISABLED=1 the application is imported without a key, a warning or a word."""
    assert import_without_key(interpreter("lambda_frameworks", "3.13"), MODULE) == ""


def test_sample_is_short() -> None:
    """The whole application fits on one screen: at most 40 lines."""
    assert lines_of(MODULE) <= 40
