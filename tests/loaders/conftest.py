from collections.abc import Iterator

import pytest
from site_server import Site


@pytest.fixture
def site() -> Iterator[Site]:
    """A real HTTP server on loopback that answers what the test tells it to."""
    site = Site()
    yield site
    site.close()
