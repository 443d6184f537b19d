"""Schemathesis over the whole description: no fault, no undeclared answer, bounded in time."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.web.conftest import Service
from web.openapi import METHODS

pytestmark = pytest.mark.db
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES = 5
# An answer that never ends; tests/web/live holds it to what it promises.
ENDLESS = {"/live"}


def test_no_request_makes_the_service_fail(own_service: Service) -> None:
    described = own_service.app.openapi()
    schema = schemathesis.openapi.from_dict(described)
    schema.config.update(base_url=own_service.origin)
    headers = own_service.bearer("supervisor")
    tried = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path in ENDLESS:
            continue

        @settings(
            max_examples=EXAMPLES, deadline=None, database=None, derandomize=True,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy())
        def attempt(case: schemathesis.Case) -> None:
            case.call_and_validate(headers=headers, checks=CHECKS)

        attempt()
        tried += 1
    assert tried == sum(
        len(set(path) & set(METHODS))
        for name, path in described["paths"].items()
        if name not in ENDLESS
    )
