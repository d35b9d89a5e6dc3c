"""What is measured: this package, a hand-written baseline, and what users would pick instead."""

from __future__ import annotations

from typing import NamedTuple

OURS = "formo-lambda"
RAW = "raw POST"
PLAIN = "no SDK"


class Subject(NamedTuple):
    """One thing to measure.

    Attributes:
        name: As in the tables.
        requirements: What is installed for it; "." is this project. None where nothing is.
        imports: What a user writes to import it.
        constructs: What a user writes to make a client that sends to URL.
        module: Its module in `handlers`.
        sends: Whether it sends over the network; otherwise it prints.
        checks: Whether its `track` validates or serialises, as ours does.
    """

    name: str
    requirements: tuple[str, ...]
    imports: str
    constructs: str
    module: str
    sends: bool = True
    checks: bool = True

    @property
    def folder(self) -> str:
        """The name of its environment under `.venvs`."""
        return "bench-" + self.module.removeprefix("with_")


FORMO = Subject(
    OURS,
    (".",),
    "from formo_lambda import FormoAnalytics, formo_flush",
    "FormoAnalytics('a-key', api_host=URL)",
    "with_formo",
)
BASELINE = Subject(
    RAW,
    ("urllib3>=2.2.0,<3", "tenacity>=8.3.0", "typing-extensions>=4.6.0"),
    "import urllib3, tenacity",
    "urllib3.PoolManager()",
    "with_urllib3",
)
# The newest versions of the day the benchmarks were written; raise them by hand, and read what changed.
PEERS = (
    Subject(
        "posthog",
        ("posthog==7.91.1",),
        "from posthog import Posthog",
        "Posthog('a-key', host=URL)",
        "with_posthog",
    ),
    Subject(
        "segment-analytics-python",
        ("segment-analytics-python==2.4.0",),
        "from segment.analytics.client import Client",
        "Client('a-key', host=URL)",
        "with_segment",
    ),
    Subject(
        "amplitude-analytics",
        ("amplitude-analytics==1.3.0",),
        "from amplitude import Amplitude, BaseEvent, Config",
        "Amplitude('a-key', Config(server_url=URL))",
        "with_amplitude",
    ),
    Subject(
        "mixpanel",
        ("mixpanel==5.4.1",),
        "from mixpanel import BufferedConsumer, Mixpanel",
        "Mixpanel('a-key', consumer=BufferedConsumer(events_url=URL))",
        "with_mixpanel",
    ),
    Subject(
        "rudder-sdk-python",
        ("rudder-sdk-python==2.1.9",),
        "from rudderstack.analytics.client import Client",
        "Client('a-key', host=URL)",
        "with_rudder",
    ),
    Subject(
        "statsig",
        ("statsig==0.72.1",),
        "from statsig import StatsigEvent, StatsigOptions, StatsigUser, statsig",
        "statsig.initialize('secret-key', StatsigOptions(api=URL + '/v1/', bootstrap_values=SPECS))",
        "with_statsig",
        checks=False,
    ),
    Subject(
        "aws-lambda-powertools",
        ("aws-lambda-powertools==3.37.0",),
        "from aws_lambda_powertools.metrics import Metrics, MetricUnit",
        "Metrics(namespace='bench', service='bench')",
        "with_powertools",
        sends=False,
    ),
)
#: A handler that does nothing else, which all delays are measured over.
NOTHING = Subject(PLAIN, (), "pass", "pass", "with_nothing", sends=False)

MEASURED = (FORMO, BASELINE, *PEERS)
EVERYTHING = (*MEASURED, NOTHING)
