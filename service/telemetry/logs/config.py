"""What can be set about logs: the environment variables `LOG_*`."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.error_metrics.config import Environment, Rate

Level = Literal["debug", "info", "warning", "error", "critical"]
LEVELS: dict[str, int] = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}


class LogConfig(BaseSettings):
    """Settings of the logs. Immutable; a bad value is a ValueError that names the field.

    Attributes:
        level: lines below are not made at all.
        format: `console` for people, `json` for one object a line.
        sample_debug, sample_info, sample_warning, sample_error: fraction of the requests whose lines of that level
            are written; `critical` goes with `error`. The lines of the others are written when the request fails.
        info_per_second: INFO lines a second, by whole requests; 0 is no limit.
        repeat_seconds: a message that comes again from the same endpoint within this time is left out; 0 is never.
        client_ip: what a request line tells of the client's address: `masked` (its network), `full`, or `off`.
        tracebacks: whether exceptions are logged with their traceback, or just with their type, text and place.
    """

    model_config = SettingsConfigDict(
        env_prefix="LOG_", frozen=True, extra="forbid", hide_input_in_errors=True, env_ignore_empty=True
    )

    level: Level = "info"
    format: Literal["console", "json"] = "json"
    sample_debug: Rate = 1.0
    sample_info: Rate = 1.0
    sample_warning: Rate = 1.0
    sample_error: Rate = 1.0
    info_per_second: Annotated[int, Field(ge=0)] = 0
    repeat_seconds: Annotated[float, Field(ge=0, le=86_400)] = 0
    client_ip: Literal["masked", "full", "off"] = "masked"
    tracebacks: bool = True

    @field_validator("level", mode="before")
    @classmethod
    def _any_case(cls, given: object) -> object:
        return given.lower() if isinstance(given, str) else given

    @classmethod
    def of(cls, environment: Environment, **changes: Any) -> Self:
        """Return what an environment has where neither the variables nor `changes` say otherwise.

        Production writes one request in ten and no tracebacks; development writes for people to read.
        """
        return cls(**{**_PRESETS[environment], **cls().model_dump(exclude_unset=True), **changes})


_PRESETS: dict[str, dict[str, Any]] = {
    "development": {"format": "console"},
    "staging": {},
    "production": {
        "sample_debug": 0.0,
        "sample_info": 0.1,
        "sample_warning": 0.5,
        "info_per_second": 100,
        "repeat_seconds": 60,
        "tracebacks": False,
    },
}
