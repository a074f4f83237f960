"""What operators see: figures for Prometheus, and an id for each request that its log lines bear."""

from prometheus_client.parser import text_string_to_metric_families

from ostro.protocol import paths
from tests.api.world import World


async def figures(world: World) -> dict[str, float]:
    response = await world.admin.ask("GET", paths.METRICS)
    assert response.status_code == 200
    return {
        sample.name + str(sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


async def test_figures_grow_with_what_is_done(world: World) -> None:
    before = await figures(world)
    await world.workflow({"name": "a", "action": "std.noop"})
    await world.admin.ask("GET", "/v1/nothing")
    after = await figures(world)
    assert after["ostro_events_total[]"] == before["ostro_events_total[]"] + 1
    assert after["ostro_commits_total[]"] > before["ostro_commits_total[]"]
    assert after["ostro_cached_tasks[]"] == before["ostro_cached_tasks[]"] + 1
    created = "ostro_http_requests_total[('method', 'POST'), ('route', '/v1/workflows'), ('status', '201')]"
    assert after[created] == 1
    assert after["ostro_http_requests_total[('method', 'GET'), ('route', 'none'), ('status', '404')]"] == 1
    assert after["ostro_database_connections[]"] >= 1


async def test_a_request_keeps_the_id_that_it_came_with_and_else_gets_one(world: World) -> None:
    own = await world.anybody.ask("GET", paths.HEALTH, headers={"x-request-id": "from-the-proxy.7"})
    assert own.headers["x-request-id"] == "from-the-proxy.7"
    given = {(await world.anybody.ask("GET", paths.HEALTH)).headers["x-request-id"] for _ in range(2)}
    assert len(given) == 2
    forged = await world.anybody.ask("GET", paths.HEALTH, headers={"x-request-id": "two words"})
    assert forged.headers["x-request-id"] != "two words"
