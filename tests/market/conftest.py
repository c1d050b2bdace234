"""The server that stands in for every source in these tests."""

from collections.abc import Iterator

import pytest

from tests.market.fake_server import Server, serving


@pytest.fixture
def server() -> Iterator[Server]:
    """A server with one answer at a time."""
    with serving() as answers:
        yield answers
