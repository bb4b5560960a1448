"""Reading settings from environment variables: `METRICS_<FIELD>`, lists as JSON, secrets also from files.

Names of fields may also have commas between them; a text that is no JSON list is one pattern, because commas and braces
are part of the language of patterns.
"""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

PREFIX = "METRICS_"
# What the rest of the service calls the same fact; a METRICS_ variable wins.
SHARED = {
    "environment": "ENVIRONMENT",
    "service": "SERVICE_NAME",
    "version": "APP_VERSION",
    "sentry_dsn": "SENTRY_DSN",
    "redis_url": "REDIS_URL",
}
SECRETS = ("sentry_dsn", "dashboard_token", "redis_url")
_LISTS = ("pii_fields", "pii_patterns")
# Kubernetes sets these in every pod of a namespace that has a Service called `metrics`.
_SERVICE_LINK = re.compile(r"METRICS_(SERVICE_HOST|(SERVICE_)?PORT(_.*)?)")


def read_environment(fields: Iterable[str], environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the values that the environment sets for `fields`.

    Raises:
        ValueError: a METRICS_ variable that names no field, an unreadable secret file, or broken JSON.
    """
    environ = os.environ if environ is None else environ
    names = [*fields, "max_events"]
    _refuse_unknown(names, environ)
    found = {field: _lookup(field, environ) for field in names}
    if found.get("storage_path") is not None:  # then REDIS_URL is for other things
        found["redis_url"] = read_secret(f"{PREFIX}REDIS_URL", environ)
    if found.get("sentry_dsn") is not None and found.get("sentry_enabled") is None:
        found["sentry_enabled"] = "true"  # who names a server means it
    return {field: _parse(field, text) for field, text in found.items() if text is not None}


def read_secret(variable: str, environ: Mapping[str, str]) -> str | None:
    """Return `variable`, or the content of the file that `<variable>_FILE` names, or None; empty counts as unset.

    Raises:
        ValueError: both are set, or the file can't be read.
    """
    text, file = environ.get(variable), environ.get(f"{variable}_FILE")
    if text and file:
        raise ValueError(f"{variable} and {variable}_FILE are both set, keep one")
    if not file:
        return text or None
    try:
        return Path(file).read_text(encoding="utf-8").strip() or None
    except OSError as problem:
        raise ValueError(f"{variable}_FILE: cannot read {file}: {problem.strerror}; {_cure(problem)}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{variable}_FILE: cannot read {file}: it is not UTF-8; write the secret as text") from None


def _cure(problem: OSError) -> str:
    if isinstance(problem, PermissionError) and hasattr(os, "getuid"):
        return f"let uid {os.getuid()} read it, by itself or by a group"
    return "name a file that holds the secret and nothing else"


def _lookup(field: str, environ: Mapping[str, str]) -> str | None:
    for variable in (PREFIX + field.upper(), SHARED.get(field)):
        if variable is None:
            continue
        text = read_secret(variable, environ) if field in SECRETS else environ.get(variable) or None
        if text is not None:
            return text
    return None


def _parse(field: str, text: str) -> Any:
    if field == "default_labels" or (field in _LISTS and text.lstrip().startswith("[")):
        try:
            return json.loads(text)
        except ValueError as problem:
            example = '["one", "two"]' if field in _LISTS else '{"name": "value"}'
            raise ValueError(f"{field}: not valid JSON: {problem}; write it as {example}") from None
    if field == "pii_patterns":
        return [text]
    if field in _LISTS:
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def _refuse_unknown(fields: list[str], environ: Mapping[str, str]) -> None:
    known = {PREFIX + field.upper() for field in fields}
    known |= {f"{PREFIX}{field.upper()}_FILE" for field in SECRETS}
    for variable in environ:
        if variable.startswith(PREFIX) and variable not in known and not _SERVICE_LINK.fullmatch(variable):
            close = difflib.get_close_matches(variable, known, n=1)
            hint = f", did you mean {close[0]}?" if close else ", remove it"
            raise ValueError(f"{variable}: there is no such setting{hint}")
