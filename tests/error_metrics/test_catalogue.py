"""The catalogue for people, and the package's door."""

from __future__ import annotations

from pathlib import Path

import service.app  # noqa: F401  # registers the sample's errors
from service import error_metrics
from service.error_metrics import BaseAppException, ExceptionRegistry, register_exception
from service.error_metrics.catalogue import as_markdown, as_table
from service.error_metrics.registry import default_registry


def test_the_table_has_a_line_for_each_code_in_order() -> None:
    """Under its headings."""
    lines = as_table(default_registry).splitlines()
    codes = [int(line.split()[0]) for line in lines[1:]]
    assert lines[0].split()[:3] == ["code", "domain", "name"]
    assert codes == sorted(entry.code for entry in default_registry)


def test_the_page_in_the_documentation_is_the_code(repository: Path) -> None:
    """`make docs` makes it again."""
    assert (repository / "docs/error-codes.md").read_text(encoding="utf-8") == as_markdown(default_registry)


def test_a_message_cannot_break_the_page() -> None:
    """A bar is no new column; a code outside every domain is shown too."""
    registry = ExceptionRegistry()
    register_exception(1, "either | or", registry=registry)(type("Odd", (BaseAppException,), {}))
    page = as_markdown(registry)
    assert "either \\| or" in page
    assert "## UNKNOWN\n" in page


def test_the_public_names_are_these() -> None:
    """A change here is a change of the contract."""
    assert error_metrics.__all__ == [
        "BaseAppException",
        "DashboardAPI",
        "ErrorDomain",
        "ErrorHandlerConfig",
        "ErrorMetricsCollector",
        "ExceptionRegistry",
        "MetricsConfig",
        "PrometheusExporter",
        "SentryIntegration",
        "mask_pii",
        "observe_errors",
        "register_exception",
        "setup_exception_handler",
        "setup_metrics",
    ]
    assert all(hasattr(error_metrics, name) for name in error_metrics.__all__)
