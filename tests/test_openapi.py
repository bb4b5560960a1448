"""The OpenAPI document, held against the running service by generated requests."""

from __future__ import annotations

from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case

from tests.servers import serving


@pytest.mark.filterwarnings("ignore")  # schemathesis' own
def test_no_generated_request_breaks_the_service(tmp_path: Path) -> None:
    """No answer is a 500, and none differs from what the document promises."""
    with serving(tmp_path) as (base, _):
        schema = schemathesis.openapi.from_url(f"{base}/openapi.json")
        tried = 0
        for operation in schema.get_all_operations():

            @settings(max_examples=20, deadline=None, database=None, suppress_health_check=list(HealthCheck))
            @given(case=operation.ok().as_strategy())
            def check(case: Case) -> None:
                case.call_and_validate()

            check()
            tried += 1
    assert tried >= 15
