from __future__ import annotations

import pytest
from rows import Stage


@pytest.fixture(scope="module")
def stage(server, new_account) -> Stage:
    return Stage(new_account())
