"""The service with people who work on cases."""

from __future__ import annotations

import pytest

from tests.web.conftest import Service
from tests.web.governed import People, govern


@pytest.fixture(scope="module")
def people(own_service: Service) -> People:
    return People(own_service, govern(own_service))
