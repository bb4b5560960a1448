"""The service's settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from service.error_metrics import MetricsConfig
from service.settings import Settings
from service.telemetry.logs import LogConfig

Read = Callable[[dict[str, str]], Settings]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Read:
    """Read settings from these variables."""

    def read_from(environ: dict[str, str]) -> Settings:
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        return Settings.from_environment()

    return read_from


def test_nothing_need_be_set(read: Read) -> None:
    """Development on SQLite."""
    settings = read({})
    assert (settings.environment, settings.service_name, settings.faults_enabled) == ("development", "shop", False)
    assert settings.database_url.startswith("sqlite+aiosqlite:")
    assert settings.error_handling.debug_mode


def test_the_metrics_know_the_service(read: Read, tmp_path: Path) -> None:
    """Its name, version and environment."""
    settings = read(
        {"ENVIRONMENT": "staging", "SERVICE_NAME": "till", "APP_VERSION": "2.0", "METRICS_NAMESPACE": "till"}
    )
    metrics = settings.metrics
    assert (metrics.environment, metrics.service, metrics.version, metrics.namespace) == (
        "staging",
        "till",
        "2.0",
        "till",
    )
    assert not settings.error_handling.debug_mode


def test_the_database_url_can_come_from_a_file(read: Read, tmp_path: Path) -> None:
    """It holds a password."""
    (tmp_path / "url").write_text("sqlite+aiosqlite:///x.db\n")
    settings = read({"DATABASE_URL_FILE": str(tmp_path / "url")})
    assert settings.database_url == "sqlite+aiosqlite:///x.db"
    assert "x.db" not in repr(settings)


@pytest.mark.parametrize(
    ("environ", "field"),
    [
        ({"ENVIRONMENT": "prod"}, "environment"),
        ({"SERVICE_NAME": "a b"}, "service_name"),
        ({"FAULTS_ENABLED": "perhaps"}, "faults_enabled"),
        ({"READINESS_REQUIRED": "database, cache"}, "readiness_required"),
        ({"MANAGEMENT_PORT": "0"}, "management_port"),
        ({"DRAIN_SECONDS": "-1"}, "drain_seconds"),
        ({"CORS_ORIGINS": "shop.example"}, "give origins as https://shop.example"),
        ({"TRUSTED_PROXIES": "proxy"}, "'proxy' is no address or network"),
        ({"METRICS_NAMESPACE": "http"}, "namespace: http is taken"),
        ({"ENVIRONMENT": "production"}, "dashboard_token"),
        (
            {"ENVIRONMENT": "production", "METRICS_DASHBOARD_TOKEN": "t" * 32, "FAULTS_ENABLED": "true"},
            "faults_enabled: production refuses",
        ),
        (
            {"ENVIRONMENT": "production", "METRICS_ENABLED": "false", "METRICS_MASK_PII": "false"},
            "mask_pii: production must not show",
        ),
        (
            {"ENVIRONMENT": "production", "METRICS_DASHBOARD_TOKEN": "t" * 32, "METRICS_PII_PATTERNS": "zzz"},
            "pii_patterns: production must hide secrets in texts",
        ),
        ({"API_KEYS": "till:0123456789abcdef,till:0123456789abcdeg"}, "each name and each key must be there once"),
        ({"API_KEYS": "till:0123456789abcdef,app:0123456789abcdef"}, "each name and each key must be there once"),
        ({"API_KEYS": "unknown:0123456789abcdef"}, "and none 'unknown'"),
        ({"API_KEYS": "till:0123"}, "each key needs 16 characters or more"),
        ({"API_KEYS": "till"}, "each key needs 16 characters or more"),
        ({"METRICS_BATCH_SEND_SIZE": "0"}, "batch_send_size"),
        ({"DATABASE_URL_FILE": "/nowhere"}, "DATABASE_URL_FILE: cannot read /nowhere"),
    ],
)
def test_a_bad_or_unsafe_value_is_named(read: Read, environ: dict[str, str], field: str) -> None:
    """As a ValueError."""
    with pytest.raises(ValueError, match=field):
        read(environ)


@pytest.mark.parametrize("given", ["sk-live-verysecret123:till", "sk_live_very+secret:till"])
def test_a_key_in_place_of_its_name_is_not_repeated(read: Read, given: str) -> None:
    """Where the two were mixed up, a message would show it."""
    with pytest.raises(ValueError, match="api_keys") as refused:
        read({"API_KEYS": given})
    assert "live" not in str(refused.value)


def test_keys_come_one_a_line_too(read: Read) -> None:
    """As in a file."""
    settings = read({"API_KEYS": "till:0123456789abcdef\n app : 0123456789abcdeg \n"})
    assert settings.api_keys == {"till": "0123456789abcdef", "app": "0123456789abcdeg"}


def test_production_with_what_it_needs_starts(read: Read) -> None:
    """A token for the dashboard."""
    settings = read({"ENVIRONMENT": "production", "METRICS_DASHBOARD_TOKEN": "t" * 32})
    assert settings.metrics.dashboard_token == "t" * 32


@pytest.mark.parametrize(
    ("given", "required"), [("database", {"database"}), ("database, schema", {"database", "schema"}), ("", None)]
)
def test_what_readiness_needs_is_a_list(read: Read, given: str, required: set[str] | None) -> None:
    """With commas between; empty counts as unset."""
    assert read({"READINESS_REQUIRED": given}).readiness_required == (required or {"database", "schema"})


def test_the_example_lists_every_setting_with_its_default(read: Read, repository: Path) -> None:
    """Read as it stands, it changes nothing."""
    lines = (repository / ".env.example").read_text(encoding="utf-8").splitlines()
    listed = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    own = {name.upper() for name in Settings.model_fields} - {"METRICS", "LOGS"}
    own |= {f"LOG_{name.upper()}" for name in LogConfig.model_fields}
    module = {f"METRICS_{name.upper()}" for name in MetricsConfig.model_fields}
    shared = {
        "METRICS_ENVIRONMENT",
        "METRICS_SERVICE",
        "METRICS_VERSION",
    }  # the service's own names for them are listed
    assert listed.keys() == own | (module - shared)
    defaults = read({})
    assert read(listed) == defaults
