"""OpenTelemetry's variables whose mistakes the SDK would log in a line, and then trace otherwise than was asked."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

_SAMPLERS = tuple(
    f"{prefix}{name}" for prefix in ("", "parentbased_") for name in ("always_on", "always_off", "traceidratio")
)
_COMPRESSIONS = ("gzip", "deflate", "none")
_SIGNALS = ("", "TRACES_")


def check_variables() -> None:
    """Refuse values that can't be meant.

    Raises:
        ValueError: the message names the variable and what belongs there.
    """
    _one_of("OTEL_TRACES_SAMPLER", _SAMPLERS)
    _number("OTEL_TRACES_SAMPLER_ARG", 1.0)
    for signal in _SIGNALS:
        prefix = f"OTEL_EXPORTER_OTLP_{signal}"
        _one_of(f"{prefix}COMPRESSION", _COMPRESSIONS)
        _number(f"{prefix}TIMEOUT", 3600.0)
        _address(f"{prefix}ENDPOINT")


def _one_of(variable: str, known: tuple[str, ...]) -> None:
    text = os.environ.get(variable, "").strip()
    if text and text.lower() not in known:
        raise ValueError(f"{variable}: {text!r} is not known, use one of {', '.join(known)}")


def _number(variable: str, most: float) -> None:
    text = os.environ.get(variable, "").strip()
    try:
        fine = not text or 0 <= float(text) <= most
    except ValueError:
        fine = False
    if not fine:
        raise ValueError(f"{variable}: {text!r} is no number from 0 to {most:g}")


def _address(variable: str) -> None:
    text = os.environ.get(variable, "").strip()
    parts = urlsplit(text)
    if text and not (parts.scheme in ("http", "https") and parts.netloc):
        raise ValueError(f"{variable}: write an address with http:// or https://, such as http://localhost:4318")
