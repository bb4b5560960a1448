"""What can be set, with its limits: `MetricsConfig` for the metrics, `ErrorHandlerConfig` for the answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from .environment import read_environment
from .masking import DEFAULT_FIELDS, DEFAULT_PATTERNS, Masker

Environment = Literal["development", "staging", "production"]
Rate = Annotated[float, Field(ge=0, le=1)]
MIN_TOKEN = 32  # characters that production needs: nobody guesses as many, if they are random
SEEN_IN_TEXTS = ("kim@example.com", "Bearer abcdefghijklmnop0123456789")
OWN_LABELS = frozenset({"error_code", "error_domain", "status_code", "reason", "le"})
_NAME = r"[a-zA-Z_][a-zA-Z0-9_]*"
_LABEL = re.compile(_NAME)


def matching(pattern: str, sentence: str) -> AfterValidator:
    """Return a validator that says in a sentence what a text must look like, and does not repeat the text."""
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError(sentence)
        return text

    return AfterValidator(check)


_TOKEN = matching(r"[\x21-\x7e]{1,1024}", "use 1 to 1,024 ASCII characters and no blanks")


class _Frozen(BaseModel):
    # Tokens and DSNs must not show up in the error that complains about another field.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=True)


class MetricsConfig(_Frozen):
    """Settings of the module. Immutable; a bad value is a ValueError that names the field.

    `retention_hours` limits the event history only: windows have buckets of their own. `async_collection` moves
    everything but the counting off the request. `max_events` is another name of `max_history_size`. `redis_url` makes
    one picture of all replicas, `storage_path`, a folder, of the processes on one host and those before them.
    """

    enabled: bool = True
    prometheus_enabled: bool = True
    prometheus_path: Annotated[str, matching(r"/[\w./-]*[\w-]", "begin it with a slash, as in /metrics")] = "/metrics"
    namespace: Annotated[str, matching(_NAME, "use letters, digits and _, and no digit first")] = "fastapi"
    sentry_enabled: bool = False
    sentry_dsn: Annotated[str | None, Field(repr=False)] = None
    sentry_sample_rate: Rate = 1.0
    sentry_traces_sample_rate: Rate = 0.1
    sentry_profiles_sample_rate: Rate = 0.0
    dashboard_enabled: bool = True
    dashboard_token: Annotated[Annotated[str, _TOKEN] | None, Field(repr=False)] = None
    max_history_size: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    retention_hours: Annotated[float, Field(gt=0, le=24 * 366)] = 24
    async_collection: bool = True
    batch_send_size: Annotated[int, Field(ge=1, le=10_000)] = 10
    mask_pii: bool = True
    pii_fields: tuple[str, ...] = DEFAULT_FIELDS
    pii_patterns: tuple[str, ...] = DEFAULT_PATTERNS
    default_labels: dict[str, str] = Field(default_factory=dict)
    redis_url: Annotated[str | None, Field(repr=False)] = None
    storage_path: Path | None = None
    environment: Environment = "development"
    service: str = "service"
    version: str = "unknown"

    @model_validator(mode="before")
    @classmethod
    def _max_events_is_an_alias(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and "max_events" in values:
            values = dict(values)
            alias = values.pop("max_events")
            if str(values.setdefault("max_history_size", alias)) != str(alias):
                raise ValueError("max_events: is another name of max_history_size, set one of them")
        return values

    @field_validator("prometheus_path")
    @classmethod
    def _path_is_free(cls, path: str) -> str:
        if path == "/dashboard" or f"{path}/".startswith("/api/metrics/"):
            raise ValueError("/dashboard and what is below /api/metrics is taken, choose another path")
        return path

    @field_validator("pii_patterns")
    @classmethod
    def _patterns_compile(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        Masker((), patterns)
        return patterns

    @field_validator("default_labels")
    @classmethod
    def _labels_are_legal(cls, labels: dict[str, str]) -> dict[str, str]:
        for name in labels:
            if not _LABEL.fullmatch(name) or name.startswith("__") or name in OWN_LABELS:
                raise ValueError(f"{name!r} is no label name, starts with __ or is one of {sorted(OWN_LABELS)}")
        return labels

    @field_validator("sentry_dsn")
    @classmethod
    def _dsn_is_whole(cls, dsn: str | None) -> str | None:
        if dsn is not None and not valid_dsn(dsn):
            raise ValueError("not a Sentry DSN, which looks like https://<key>@<host>/<project number>")
        return dsn

    @field_validator("redis_url")
    @classmethod
    def _redis_url_is_whole(cls, url: str | None) -> str | None:
        if url is not None and not valid_redis_url(url):
            raise ValueError("not a Redis URL, which looks like redis://[:<password>@]<host>:6379/0")
        return url

    @field_validator("storage_path")
    @classmethod
    def _folder_is_there(cls, folder: Path | None) -> Path | None:
        if folder is not None and not folder.is_dir():
            raise ValueError(f"there is no folder {str(folder)!r}, create it")
        return folder

    @model_validator(mode="after")
    def _safe_together(self) -> Self:
        if self.redis_url is not None and self.storage_path is not None:
            raise ValueError("storage_path: there is a redis_url, too, choose one of them")
        if self.sentry_enabled and self.sentry_dsn is None:
            raise ValueError("sentry_dsn: set it, or sentry_enabled to false")
        if self.environment == "production":
            self._refuse_unsafe()
        return self

    def _refuse_unsafe(self) -> None:
        if self.enabled and self.dashboard_enabled:
            if self.dashboard_token is None:
                raise ValueError("dashboard_token: production needs one, or dashboard_enabled set to false")
            if len(self.dashboard_token) < MIN_TOKEN:
                raise ValueError(
                    f"dashboard_token: production needs {MIN_TOKEN} characters or more, try `openssl rand -hex 16`"
                )
        if not self.mask_pii:  # not even without metrics: logs and traces go by it, too
            raise ValueError("mask_pii: production must not show personal data, set it to true")
        if not any(Masker((), self.pii_patterns).text(text) != text for text in SEEN_IN_TEXTS):
            raise ValueError(
                "pii_patterns: production must hide secrets in texts, leave it unset or add e-mail addresses"
            )
        by_name = Masker(self.pii_fields, ())
        if not any(by_name.hides(name) for name in DEFAULT_FIELDS):
            raise ValueError("pii_fields: production must hide secrets by name, leave it unset or add password")

    @property
    def max_events(self) -> int:
        """Another name of `max_history_size`."""
        return self.max_history_size

    @classmethod
    def development(cls, **changes: Any) -> Self:
        """Everything on that needs no other server."""
        return cls(**{"environment": "development", **changes})

    @classmethod
    def production(cls, sentry_dsn: str | None = None, dashboard_token: str | None = None, **changes: Any) -> Self:
        """Sentry on when there is a DSN, the dashboard on when there is a token to guard it."""
        preset = {
            "environment": "production",
            "sentry_dsn": sentry_dsn,
            "sentry_enabled": sentry_dsn is not None,
            "dashboard_token": dashboard_token,
            "dashboard_enabled": dashboard_token is not None,
        }
        return cls(**{**preset, **changes})

    @classmethod
    def testing(cls, **changes: Any) -> Self:
        """Everything in the caller's thread, so that a test reads what it has just caused."""
        return cls(**{"async_collection": False, "max_history_size": 1000, **changes})

    @classmethod
    def disabled(cls) -> Self:
        """Nothing is installed, collected or served."""
        return cls(enabled=False)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read `METRICS_*` and, for what those leave open, ENVIRONMENT, SERVICE_NAME, APP_VERSION and SENTRY_DSN.

        Raises:
            ValueError: an unknown METRICS_ name, or a bad value; the message names the variable's field.
        """
        return cls(**read_environment(cls.model_fields, environ))


class ErrorHandlerConfig(_Frozen):
    """How errors are answered. Its Sentry fields are shorthand for those of `MetricsConfig`.

    `debug_mode` adds the exception to answers of status 500 and above, `include_traceback` its traceback too;
    neither is allowed in production. `locale_dirs` are folders of `<locale>.json` files, `{"<code>": "<text>"}`.
    """

    default_locale: Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] = "en"
    debug_mode: bool = False
    include_traceback: bool = False
    sentry_enabled: bool | None = None
    sentry_dsn: Annotated[str | None, Field(repr=False)] = None
    locale_dirs: tuple[Path, ...] = ()

    @model_validator(mode="after")
    def _traceback_is_debugging(self) -> Self:
        if self.include_traceback and not self.debug_mode:
            raise ValueError("include_traceback: needs debug_mode, because it shows internals to the client")
        return self

    @classmethod
    def development(cls, **changes: Any) -> Self:
        """Answers tell what happened."""
        return cls(**{"debug_mode": True, "include_traceback": True, **changes})

    @classmethod
    def production(cls, **changes: Any) -> Self:
        """Neither internals nor tracebacks leave the process."""
        return cls(**changes)

    def merged_into(self, metrics: MetricsConfig) -> MetricsConfig:
        """Return `metrics` with this object's Sentry fields, where they are set.

        Raises:
            ValueError: the two together are not allowed.
        """
        if self.debug_mode and metrics.environment == "production":
            raise ValueError("debug_mode: must be off in production, answers would show internals")
        changes = {name: getattr(self, name) for name in ("sentry_enabled", "sentry_dsn")}
        changes = {name: value for name, value in changes.items() if value is not None}
        return MetricsConfig(**{**metrics.model_dump(), **changes}) if changes else metrics


def valid_dsn(dsn: str) -> bool:
    """Tell whether a text has the parts of a Sentry DSN: scheme, public key, host and project number."""
    try:
        parts = urlsplit(dsn)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.username and parts.hostname)
            and parts.path.rsplit("/", 1)[-1].isdigit()
            and parts.port != 0
        )
    except ValueError:
        return False


def valid_redis_url(url: str) -> bool:
    """Tell whether a text has the parts of a Redis URL: scheme and host, or the path of a socket."""
    try:
        parts = urlsplit(url)
        if parts.scheme == "unix":
            return bool(parts.path)
        database = parts.path.strip("/")
        return (
            parts.scheme in ("redis", "rediss")
            and bool(parts.hostname)
            and parts.port != 0
            and (not database or database.isdecimal())
        )
    except ValueError:
        return False
