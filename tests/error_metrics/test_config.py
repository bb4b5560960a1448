"""MetricsConfig and ErrorHandlerConfig."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from service.error_metrics import ErrorHandlerConfig, MetricsConfig

DSN = "https://0123456789abcdef@sentry.example/42"
TOKEN = f"{'open-sesame':-<32}"


def test_the_defaults_are_those_of_the_documentation() -> None:
    """Nothing that needs another server is on."""
    config = MetricsConfig()
    assert (config.enabled, config.prometheus_enabled, config.prometheus_path) == (True, True, "/metrics")
    assert (config.namespace, config.sentry_enabled, config.dashboard_enabled) == ("fastapi", False, True)
    assert (config.max_history_size, config.retention_hours, config.batch_send_size) == (10_000, 24, 10)
    assert (config.async_collection, config.mask_pii, config.default_labels) == (True, True, {})
    assert (config.sentry_sample_rate, config.sentry_traces_sample_rate) == (1.0, 0.1)
    assert "password" in config.pii_fields


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prometheus_path", "metrics"),
        ("prometheus_path", "/"),
        ("prometheus_path", "/dashboard"),
        ("prometheus_path", "/api/metrics"),
        ("prometheus_path", "/api/metrics/all"),
        ("namespace", "1st"),
        ("namespace", "a-b"),
        ("sentry_sample_rate", 1.5),
        ("sentry_traces_sample_rate", -0.1),
        ("sentry_dsn", "https://sentry.example/42"),
        ("sentry_dsn", "https://key@sentry.example/project"),
        ("sentry_dsn", "ftp://key@sentry.example/1"),
        ("sentry_dsn", "https://key@[/1"),
        ("max_history_size", 0),
        ("max_history_size", "many"),
        ("retention_hours", 0),
        ("batch_send_size", 0),
        ("dashboard_token", ""),
        ("dashboard_token", "öffne"),
        ("dashboard_token", "a b"),
        ("pii_patterns", ["("]),
        ("default_labels", {"le": "x"}),
        ("default_labels", {"__name": "x"}),
        ("default_labels", {"a b": "x"}),
        ("redis_url", "localhost:6379"),
        ("redis_url", "http://redis:6379"),
        ("redis_url", "redis:///0"),
        ("redis_url", "redis://redis:0"),
        ("redis_url", "redis://redis:many"),
        ("redis_url", "redis://redis/first"),
        ("redis_url", "redis://[/1"),
        ("redis_url", "unix://"),
        ("storage_path", "/nowhere/at/all"),
        ("storage_path", "/dev/null"),
        ("environment", "prod"),
        ("unheard_of", 1),
    ],
)
def test_a_bad_value_names_its_field(field: str, value: object) -> None:
    """It is a ValueError, and does not repeat the value, which may be a secret."""
    with pytest.raises(ValueError, match=field) as caught:
        MetricsConfig(**{field: value})
    assert isinstance(caught.value, ValidationError)
    assert "input_value" not in str(caught.value)


def test_a_config_cannot_be_changed() -> None:
    """It is shared by threads."""
    with pytest.raises(ValueError, match="frozen"):
        MetricsConfig().namespace = "other"  # type: ignore[misc]


def test_max_events_is_another_name() -> None:
    """Of max_history_size, for reading and for setting."""
    config = MetricsConfig(max_events=5)  # type: ignore[call-arg]
    assert (config.max_history_size, config.max_events) == (5, 5)


def test_sentry_needs_its_dsn() -> None:
    """Switching it on without is a mistake."""
    with pytest.raises(ValueError, match="sentry_dsn: set it"):
        MetricsConfig(sentry_enabled=True)


def test_production_needs_a_token_for_its_dashboard() -> None:
    """Or no dashboard."""
    with pytest.raises(ValueError, match="dashboard_token: production needs one"):
        MetricsConfig(environment="production")
    assert MetricsConfig(environment="production", dashboard_enabled=False)
    assert MetricsConfig(environment="production", dashboard_token=TOKEN)
    assert MetricsConfig(environment="production", enabled=False)


def test_production_needs_a_token_that_can_not_be_guessed(tmp_path: Path) -> None:
    """32 characters, also from a file; elsewhere, and where there is no dashboard, any will do."""
    message = "dashboard_token: production needs 32 characters or more, try `openssl rand -hex 16`"
    with pytest.raises(ValueError, match=message) as caught:
        MetricsConfig(environment="production", dashboard_token=TOKEN[1:])
    assert TOKEN[1:] not in str(caught.value)
    file = tmp_path / "token"
    file.write_text(f"{TOKEN[1:]}\n")  # the line feed is no part of it
    with pytest.raises(ValueError, match=message):
        MetricsConfig.from_environment({"ENVIRONMENT": "production", "METRICS_DASHBOARD_TOKEN_FILE": str(file)})
    assert MetricsConfig(environment="staging", dashboard_token="t")
    assert MetricsConfig(environment="production", dashboard_token="t", dashboard_enabled=False)


@pytest.mark.parametrize("fields", ["none", "[]", "-", "customer_no"])
def test_production_hides_secrets_by_name(fields: str) -> None:
    """A list of others only would show every password; it may be another list, and elsewhere anything."""
    production = {"ENVIRONMENT": "production", "METRICS_DASHBOARD_TOKEN": TOKEN}
    with pytest.raises(ValueError, match="pii_fields: production must hide secrets by name, leave it unset"):
        MetricsConfig.from_environment({**production, "METRICS_PII_FIELDS": fields})
    assert MetricsConfig.from_environment({**production, "METRICS_PII_FIELDS": "customer_no, password"})
    assert MetricsConfig.from_environment({"METRICS_PII_FIELDS": fields})


def test_secrets_do_not_show_in_the_representation() -> None:
    """Configs are logged."""
    shown = repr(MetricsConfig.production(DSN, TOKEN, redis_url="redis://:hunter22@redis"))
    assert DSN not in shown
    assert TOKEN not in shown
    assert "hunter22" not in shown


def test_the_presets_are_what_their_names_say() -> None:
    """Each is a complete config."""
    production = MetricsConfig.production(DSN, TOKEN)
    assert (production.environment, production.sentry_enabled, production.dashboard_enabled) == (
        "production",
        True,
        True,
    )
    bare = MetricsConfig.production()
    assert (bare.sentry_enabled, bare.dashboard_enabled) == (False, False)
    assert MetricsConfig.development().environment == "development"
    assert MetricsConfig.testing().async_collection is False
    assert MetricsConfig.disabled().enabled is False
    assert MetricsConfig.testing(namespace="x").namespace == "x"


def test_the_environment_sets_every_kind_of_field() -> None:
    """Numbers, switches, lists and labels."""
    config = MetricsConfig.from_environment(
        {
            "METRICS_MAX_HISTORY_SIZE": "50",
            "METRICS_ASYNC_COLLECTION": "false",
            "METRICS_RETENTION_HOURS": "0.5",
            "METRICS_PII_FIELDS": "pin, password",
            "METRICS_PII_PATTERNS": '["a{1,2}"]',
            "METRICS_DEFAULT_LABELS": '{"cluster": "a"}',
            "METRICS_NAMESPACE": "shop",
            "ENVIRONMENT": "staging",
            "SERVICE_NAME": "shop",
            "APP_VERSION": "1.2.3",
            "METRICS_SERVICE_HOST": "10.0.0.1",
            "METRICS_PORT_80_TCP": "tcp://10.0.0.1:80",
        }
    )
    assert (config.max_history_size, config.async_collection, config.retention_hours) == (50, False, 0.5)
    assert (config.pii_fields, config.pii_patterns) == (("pin", "password"), ("a{1,2}",))
    assert (config.default_labels, config.namespace) == ({"cluster": "a"}, "shop")
    assert (config.environment, config.service, config.version) == ("staging", "shop", "1.2.3")
    assert MetricsConfig.from_environment({"METRICS_MAX_EVENTS": "7"}).max_history_size == 7


@pytest.mark.parametrize("pattern", [r"cust-\d{3,4}", "a, b", r"(?i)x[,;]y"])
def test_a_pattern_alone_is_one_pattern(pattern: str) -> None:
    """Commas are part of the language of patterns."""
    assert MetricsConfig.from_environment({"METRICS_PII_PATTERNS": pattern}).pii_patterns == (pattern,)


def test_an_empty_variable_is_not_set() -> None:
    """Compose and Helm write empty ones."""
    assert MetricsConfig.from_environment({"METRICS_NAMESPACE": "", "METRICS_DASHBOARD_TOKEN": ""}) == MetricsConfig()


def test_the_modules_own_dsn_wins() -> None:
    """SENTRY_DSN serves when METRICS_SENTRY_DSN is not set."""
    other = "https://other@sentry.example/1"
    assert MetricsConfig.from_environment({"SENTRY_DSN": DSN}).sentry_dsn == DSN
    assert MetricsConfig.from_environment({"SENTRY_DSN": DSN, "METRICS_SENTRY_DSN": other}).sentry_dsn == other


@pytest.mark.parametrize(
    "url",
    ["redis://redis", "redis://:p%40ss@10.0.0.1:6380/2?db=3", "rediss://user:pass@redis:6379", "unix:///run/r.sock"],
)
def test_redis_is_where_its_url_says(url: str) -> None:
    """REDIS_URL serves when METRICS_REDIS_URL is not set; either may come from a file."""
    other = "redis://other"
    assert MetricsConfig.from_environment({"REDIS_URL": url}).redis_url == url
    assert MetricsConfig.from_environment({"REDIS_URL": other, "METRICS_REDIS_URL": url}).redis_url == url


def test_there_is_one_shared_store(tmp_path: Path) -> None:
    """With a folder, REDIS_URL is for other things; asking for both is a mistake."""
    folder = str(tmp_path)
    config = MetricsConfig.from_environment({"METRICS_STORAGE_PATH": folder, "REDIS_URL": "redis://redis"})
    assert (config.storage_path, config.redis_url) == (tmp_path, None)
    with pytest.raises(ValueError, match="storage_path: there is a redis_url, too, choose one of them"):
        MetricsConfig.from_environment({"METRICS_STORAGE_PATH": folder, "METRICS_REDIS_URL": "redis://redis"})


def test_a_secret_can_come_from_a_file(tmp_path: Path) -> None:
    """As Kubernetes and compose mount it, with a newline at its end."""
    file = tmp_path / "token"
    file.write_text("open-sesame\n")
    config = MetricsConfig.from_environment({"METRICS_DASHBOARD_TOKEN_FILE": str(file)})
    assert config.dashboard_token == "open-sesame"
    file.write_text("redis://:hunter22@redis\n")
    for variable in ("METRICS_REDIS_URL_FILE", "REDIS_URL_FILE"):
        assert MetricsConfig.from_environment({variable: str(file)}).redis_url == "redis://:hunter22@redis"


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({"METRICS_MAX_HISTROY_SIZE": "1"}, "METRICS_MAX_HISTROY_SIZE: .* did you mean METRICS_MAX_HISTORY_SIZE"),
        ({"METRICS_ZZZZZZZZZ": "1"}, "METRICS_ZZZZZZZZZ: there is no such setting, remove it"),
        ({"METRICS_ENABLED": "perhaps"}, "enabled"),
        ({"METRICS_DEFAULT_LABELS": "{"}, "default_labels: not valid JSON"),
        ({"METRICS_PII_FIELDS": "["}, "pii_fields: not valid JSON"),
        ({"METRICS_PII_PATTERNS": "[a-c]{2,3}"}, r'pii_patterns: not valid JSON: .*; write it as \["one", "two"\]'),
        ({"METRICS_DASHBOARD_TOKEN_FILE": "/nowhere"}, "METRICS_DASHBOARD_TOKEN_FILE: cannot read /nowhere"),
        (
            {"METRICS_DASHBOARD_TOKEN": "a", "METRICS_DASHBOARD_TOKEN_FILE": "/b"},
            "METRICS_DASHBOARD_TOKEN and METRICS_DASHBOARD_TOKEN_FILE are both set",
        ),
    ],
)
def test_a_bad_variable_is_named(environ: dict[str, str], reason: str) -> None:
    """With what to do about it."""
    with pytest.raises(ValueError, match=reason):
        MetricsConfig.from_environment(environ)


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """No argument is needed."""
    monkeypatch.setenv("METRICS_NAMESPACE", "own")
    assert MetricsConfig.from_environment().namespace == "own"


def test_answers_have_presets_too() -> None:
    """Development tells everything, production nothing."""
    assert ErrorHandlerConfig.development().include_traceback
    assert not ErrorHandlerConfig.production().debug_mode
    assert ErrorHandlerConfig.production(default_locale="ko").default_locale == "ko"


@pytest.mark.parametrize(
    ("values", "field"),
    [({"default_locale": "english"}, "default_locale"), ({"include_traceback": True}, "include_traceback")],
)
def test_a_bad_value_of_the_answers_names_its_field(values: dict[str, object], field: str) -> None:
    """As for the metrics."""
    with pytest.raises(ValueError, match=field):
        ErrorHandlerConfig(**values)


def test_sentry_fields_are_shorthand() -> None:
    """They end up in the metrics' settings, and are checked there."""
    merged = ErrorHandlerConfig(sentry_enabled=True, sentry_dsn=DSN).merged_into(MetricsConfig(namespace="x"))
    assert (merged.sentry_enabled, merged.sentry_dsn, merged.namespace) == (True, DSN, "x")
    with pytest.raises(ValueError, match="sentry_dsn"):
        ErrorHandlerConfig(sentry_enabled=True).merged_into(MetricsConfig())


def test_debugging_is_refused_in_production() -> None:
    """Answers would show internals."""
    with pytest.raises(ValueError, match="debug_mode: must be off in production"):
        ErrorHandlerConfig.development().merged_into(MetricsConfig.production())
