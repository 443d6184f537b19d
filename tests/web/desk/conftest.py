"""The service with people who work on cases."""

from __future__ import annotations

import pytest

from tests.web.conftest import Service, is_first_try
from tests.web.governed import People, govern


@pytest.fixture(scope="module")
def module_people(own_service: Service) -> People:
    return People(own_service, govern(own_service))


@pytest.fixture
def people(request: pytest.FixtureRequest, module_people: People, page_service: Service) -> People:
    """Give the module's people, or others of a new service where a test is tried again."""
    if is_first_try(request):
        return module_people
    return People(page_service, govern(page_service))
