"""What all tests share: the PostgreSQL that they run on, and the long run."""

from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import HealthCheck, settings

from ostro.store.database import Database
from tests.postgres import TestPostgres, roomy

settings.register_profile(
    "short", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("long", settings.get_profile("short"), max_examples=1000)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--long", action="store_true", help="pass the long tests too (faults, more hypothesis examples)"
    )


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("long" if config.getoption("--long") else "short")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--long"):
        return
    for item in items:
        if "long" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="only with --long"))


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestPostgres]:
    """One PostgreSQL for all tests of this process, with a migrated template to clone."""
    with roomy(tmp_path_factory.mktemp("postgres")) as folder, TestPostgres(folder / "data") as running:
        running.make_template()
        yield running


@pytest.fixture
def database_url(postgres: TestPostgres) -> Iterator[str]:
    """The URL of a database of this test's own, with the whole schema."""
    dsn = postgres.clone()
    yield dsn
    postgres.drop(dsn)


@pytest.fixture
def empty_database_url(postgres: TestPostgres) -> Iterator[str]:
    """The URL of a database of this test's own, without any tables."""
    dsn = postgres.create_empty()
    yield dsn
    postgres.drop(dsn)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A connected database of this test's own, with the whole schema."""
    connected = await Database.connect(database_url, size=4)
    yield connected
    await connected.close()
