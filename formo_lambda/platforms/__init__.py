"""Where a handler runs: one module for each platform. They are tried in order, and the last one always matches."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from formo_lambda.platforms import aws_lambda, azure, generic, google_cloud, vercel
from formo_lambda.platforms.platform import Platform

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["PLATFORMS", "Platform", "detect"]

#: Tried in order. A new platform is one file and one entry here.
PLATFORMS: tuple[Platform, ...] = (
    vercel.PLATFORM,  # before AWS Lambda, whose variables it may set, too
    aws_lambda.PLATFORM,
    google_cloud.PLATFORM,
    azure.PLATFORM,
    generic.PLATFORM,
)


def detect(environ: Mapping[str, str] | None = None, platforms: Sequence[Platform] = PLATFORMS) -> Platform:
    """Return the first platform that recognises the environment, None for that of the process.

    That is in no local here: reporters show those of whatever raises.
    """
    for platform in platforms:
        if platform.matches(os.environ if environ is None else environ):
            return platform
    return generic.PLATFORM
