"""Every setting of the service, read once and passed down."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from service.error_metrics import ErrorHandlerConfig, MetricsConfig
from service.error_metrics.config import Environment, matching
from service.error_metrics.environment import read_secret
from service.error_metrics.masking import Masker
from service.telemetry.api_keys import UNKNOWN
from service.telemetry.logs import LogConfig

VERSION = "0.1.0"
_NAME = matching(
    r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?",
    "use 1 to 63 letters, digits, dots, dashes and underscores, and begin and end with a letter or digit",
)
_ORIGIN = matching(r"\*|https?://[A-Za-z0-9.-]+(:\d+)?", "give origins as https://shop.example, or *")
_KEY_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
MIN_KEY = 16
SECRETS = ("database_url", "redis_url", "api_keys", "fds_key", "fingerprint_key")
App = Literal["shop", "fds", "all"]
APPS: tuple[App, ...] = ("shop", "fds", "all")
_NAMES: dict[App, str] = {"shop": "shop", "fds": "fds", "all": "shop"}
_BASE = matching(r"https?://[^\s/?#@]+(/[^\s?#]*)?", "write an address as in http://fds:8001")
NO_SECRET = "for development only"  # noqa: S105  # production refuses it
Dependency = Literal["database", "schema", "redis"]


def _network(text: str) -> str:
    if text != "*":
        try:
            ip_network(text)
        except ValueError:
            raise ValueError(f"{text!r} is no address or network, such as 10.0.0.0/8") from None
    return text


def _api_keys(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    # No message repeats a name: where the two were mixed up, it is the key.
    if not all(_KEY_NAME.fullmatch(name) and name != UNKNOWN for name, _ in pairs):
        raise ValueError(f"write name:key,name:key, names of 1 to 32 letters, digits, - and _, and none {UNKNOWN!r}")
    if not all(len(key) >= MIN_KEY for _, key in pairs):
        raise ValueError(f"each key needs {MIN_KEY} characters or more, write name:key,name:key")
    if len(dict(pairs)) < len(pairs) or len({key for _, key in pairs}) < len(pairs):
        raise ValueError("each name and each key must be there once")
    return dict(pairs)


class SecretFiles(PydanticBaseSettingsSource):
    """Reads secrets from their variable or from the file that `<VARIABLE>_FILE` names."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        """Return what is set for one secret."""
        return read_secret(field_name.upper(), os.environ), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return the secrets that are set.

        Raises:
            ValueError: both ways are used for one secret, or a file can't be read.
        """
        found = {name: read_secret(name.upper(), os.environ) for name in SECRETS}
        return {name: secret for name, secret in found.items() if secret is not None}


class Settings(BaseSettings):
    """The environment variables of the same names in capitals; `METRICS_*` are in `metrics`, `LOG_*` in `logs`.

    Attributes:
        service_app: what is served: `shop`, `fds`, or `all` in one process.
        fds_url: where the fraud service is; unset, the shop asks the one in its own process.
        fds_key: one of the fraud service's API keys, which the shop shows it.
        fingerprint_key: makes fingerprints of card numbers; the same in all replicas.
        redis_url: what replicas share; unset, each keeps it in memory for itself.
        otel_enabled: whether requests are traced; where spans go is said by the standard `OTEL_*` variables.
        readiness_required: the checks without which `/health/ready` answers 503; names with commas between.
        management_port: where metrics, dashboard and health are served; unset, on the port of the API.
        cors_origins: pages that may call the API from a browser; `*` is any.
        trusted_proxies: addresses or networks whose `X-Forwarded-For` and `-Proto` are believed; `*` is any.
        security_headers: whether answers tell browsers to trust them no further than they must.
        max_body_bytes: a larger body is answered 413; 0 is no limit.
        request_timeout_seconds: an answer that has not begun by then is given up with 504; 0 is no limit.
        drain_seconds: how long requests are still taken after SIGTERM, while readiness says no already.
        api_keys: keys by name, as in `till:<key>,app:<key>`, so that requests are counted by who sends them.
        shutdown_seconds: how long running requests may take after that.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, env_ignore_empty=True)

    environment: Environment = "development"
    service_app: App = "all"
    service_name: Annotated[str, _NAME] = Field(default_factory=lambda known: _NAMES[known.get("service_app", "all")])
    app_version: Annotated[str, Field(min_length=1, max_length=64)] = VERSION
    database_url: Annotated[str, Field(repr=False)] = "sqlite+aiosqlite:///shop.db"
    redis_url: Annotated[str | None, Field(repr=False)] = None
    fds_url: Annotated[str, _BASE] | None = None
    fds_key: Annotated[str | None, Field(repr=False, min_length=MIN_KEY)] = None
    fingerprint_key: Annotated[str, Field(repr=False, min_length=16)] = NO_SECRET
    faults_enabled: bool = False
    otel_enabled: bool = False
    readiness_required: Annotated[frozenset[Dependency], NoDecode] = frozenset(("database", "schema"))
    management_port: Annotated[int | None, Field(ge=1, le=65535)] = None
    cors_origins: Annotated[tuple[Annotated[str, _ORIGIN], ...], NoDecode] = ()
    trusted_proxies: Annotated[tuple[Annotated[str, AfterValidator(_network)], ...], NoDecode] = ()
    security_headers: bool = True
    max_body_bytes: Annotated[int, Field(ge=0)] = 1_048_576
    request_timeout_seconds: Annotated[float, Field(ge=0, le=3600)] = 0
    drain_seconds: Annotated[float, Field(ge=0, le=300)] = 0
    shutdown_seconds: Annotated[int, Field(ge=1, le=3600)] = 20
    api_keys: Annotated[dict[str, str], NoDecode, Field(repr=False)] = Field(default_factory=dict)
    metrics: MetricsConfig = Field(default_factory=MetricsConfig)
    logs: LogConfig = Field(default_factory=LogConfig)

    @field_validator("readiness_required", "cors_origins", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, given: object) -> object:
        return [part.strip() for part in given.split(",") if part.strip()] if isinstance(given, str) else given

    @field_validator("api_keys", mode="before")
    @classmethod
    def _named(cls, given: object) -> object:
        if isinstance(given, Mapping):
            return _api_keys(list(given.items()))
        if not isinstance(given, str):
            return given
        parts = [part.strip() for part in re.split(r"[,\n]", given) if part.strip()]
        pairs = [(name.strip(), key.strip()) for name, _, key in (part.partition(":") for part in parts)]
        return _api_keys(pairs)

    @model_validator(mode="after")
    def _safe_together(self) -> Self:
        if self.faults_enabled and self.environment == "production":
            raise ValueError("faults_enabled: production refuses fault switches, set it to false")
        if "redis" in self.readiness_required and self.redis_url is None:
            raise ValueError("readiness_required: names redis, set REDIS_URL or leave it out")
        if self.metrics.namespace == "http":
            raise ValueError("namespace: http is taken by the HTTP metrics, choose another METRICS_NAMESPACE")
        return self

    @property
    def error_handling(self) -> ErrorHandlerConfig:
        """How errors are answered in this environment."""
        development = self.environment == "development"
        return ErrorHandlerConfig.development() if development else ErrorHandlerConfig.production()

    @property
    def facts(self) -> dict[str, str]:
        """What logs and traces tell of this service."""
        return {"service": self.service_name, "version": self.app_version, "environment": self.environment}

    @property
    def masker(self) -> Masker | None:
        """What hides personal data and secrets wherever they would leave the process; None when it is off."""
        return Masker(self.metrics.pii_fields, self.metrics.pii_patterns) if self.metrics.mask_pii else None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let arguments win over secrets, and secrets over plain variables."""
        return init_settings, SecretFiles(settings_cls), env_settings

    @classmethod
    def from_environment(cls, **given: Any) -> Self:
        """Read the environment; what is given wins.

        Raises:
            ValueError: a value is unknown, out of range or unsafe; the message names the setting.
        """
        own = cls(metrics=MetricsConfig(), **given)
        shared = {"ENVIRONMENT": own.environment, "SERVICE_NAME": own.service_name, "APP_VERSION": own.app_version}
        metrics = MetricsConfig.from_environment({**os.environ, **shared})
        if metrics.environment != own.environment:
            raise ValueError("METRICS_ENVIRONMENT: contradicts ENVIRONMENT, set the latter only")
        return cls(metrics=metrics, logs=LogConfig.of(own.environment), **given)
