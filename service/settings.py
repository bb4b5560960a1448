"""Every setting of the service, read once and passed down."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from service.error_metrics import ErrorHandlerConfig, MetricsConfig
from service.error_metrics.config import Environment
from service.error_metrics.environment import read_secret

VERSION = "0.1.0"


class Settings(BaseModel):
    """The environment variables of the same names in capitals; `METRICS_*` are in `metrics`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    environment: Environment = "development"
    service_name: Annotated[str, Field(pattern=r"^[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?$")] = "shop"
    app_version: Annotated[str, Field(min_length=1, max_length=64)] = VERSION
    database_url: Annotated[str, Field(repr=False)] = "sqlite+aiosqlite:///shop.db"
    faults_enabled: bool = False
    metrics: MetricsConfig = Field(default_factory=MetricsConfig)

    @model_validator(mode="after")
    def _safe_together(self) -> Self:
        if self.faults_enabled and self.environment == "production":
            raise ValueError("faults_enabled: production refuses fault switches, set it to false")
        if self.metrics.namespace == "http":
            raise ValueError("namespace: http is taken by the HTTP metrics, choose another METRICS_NAMESPACE")
        return self

    @property
    def error_handling(self) -> ErrorHandlerConfig:
        """How errors are answered in this environment."""
        development = self.environment == "development"
        return ErrorHandlerConfig.development() if development else ErrorHandlerConfig.production()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read the environment.

        Raises:
            ValueError: a value is unknown, out of range or unsafe; the message names the setting.
        """
        environ = os.environ if environ is None else environ
        names = ("environment", "service_name", "app_version", "faults_enabled")
        values: dict[str, Any] = {name: environ.get(name.upper()) or None for name in names}
        values["database_url"] = read_secret("DATABASE_URL", environ)
        given = {name: value for name, value in values.items() if value is not None}
        settings = cls(**given)
        shared = {
            "ENVIRONMENT": settings.environment,
            "SERVICE_NAME": settings.service_name,
            "APP_VERSION": settings.app_version,
        }
        return cls(**given, metrics=MetricsConfig.from_environment({**environ, **shared}))
