"""The served document, the committed copy and the routes agree."""

import json
import re
from pathlib import Path

from ostro.api.openapi import ENDPOINTS, document
from ostro.protocol import paths
from tests.api.world import World

COPY = Path(__file__).parents[2] / "docs" / "reference" / "openapi.json"


def test_the_committed_copy_is_what_the_types_say() -> None:
    assert COPY.read_bytes() == document(), (
        "make it anew: python -m ostro.api.openapi docs/reference/openapi.json"
    )


async def test_it_is_served_to_anybody(world: World) -> None:
    assert await world.anybody.get(paths.OPENAPI) == json.loads(document())


async def test_each_route_of_the_app_is_described_and_each_description_has_its_route(world: World) -> None:
    described = {
        (method.upper(), path)
        for path, operations in json.loads(document())["paths"].items()
        for method in operations
    }
    assert routes_of(world) == described | {("GET", paths.METRICS)}


def test_operations_have_distinct_names_and_all_references_lead_somewhere() -> None:
    told = json.loads(document())
    names = [operation["operationId"] for some in told["paths"].values() for operation in some.values()]
    assert len(set(names)) == len(names) == len(ENDPOINTS) + 1
    wanted = set(re.findall(r'"#/components/schemas/([^"]+)"', document().decode()))
    assert wanted <= set(told["components"]["schemas"])


def routes_of(world: World) -> set[tuple[str, str]]:
    """Method and path of all that the app serves; the poll goes past the router."""
    found = {("POST", paths.POLL)}
    for route in world.app.routes.routes:
        path = re.sub(r":str}", "}", route.path)
        methods = getattr(route, "methods", None) or set()
        found |= {(str(method), path) for method in methods if method != "OPTIONS"}
    return found
