"""What a server tells Prometheus, at /metrics: its requests as they end, its engine as it is when it is asked."""

from collections.abc import Iterable, Iterator

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ostro.service.desk import Desk

CONTENT_TYPE = CONTENT_TYPE_LATEST

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The figures of one server."""

    def __init__(self, desk: Desk) -> None:
        self._registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._registry)
        self._registry.register(_Engine(desk))
        labels = ("method", "route")
        self._requests = Counter(
            "ostro_http_requests", "Requests answered.", (*labels, "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "ostro_http_request_seconds",
            "How long answers took; waits that were asked for included.",
            labels,
            buckets=_SECONDS,
            registry=self._registry,
        )

        self._labelled: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def ended(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered. `route` is the path as the API describes it, not as it was sent."""
        found = self._labelled.get((method, route, status))
        if found is None:
            found = self._requests.labels(method, route, str(status)), self._seconds.labels(method, route)
            self._labelled[method, route, status] = found
        found[0].inc()
        found[1].observe(seconds)

    def text(self) -> bytes:
        """All figures, as Prometheus reads them."""
        return generate_latest(self._registry)


class _Engine(Collector):
    """Reads the engine's own counts: what nobody asks for costs nothing."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        lanes, dispatcher = self._desk.lanes, self._desk.dispatcher
        done, claims = lanes.counts, dispatcher.counts
        opened, busy = self._desk.database.connections
        for name, text, count in (
            ("ostro_events", "Events decided by the lanes.", done.events),
            (
                "ostro_commits",
                "Commits of the lanes: events per commit is how large batches grow.",
                done.commits,
            ),
            ("ostro_commit_seconds", "Time that commits took.", done.seconds),
            (
                "ostro_slow_path",
                "Times that a workflow went the slow way: cold, or written elsewhere.",
                done.slow,
            ),
            ("ostro_jobs_handed_over", "Jobs that went to a waiting worker with their commit.", done.handed),
            ("ostro_claims", "Claim statements.", claims.claims),
            ("ostro_jobs_claimed", "Jobs granted by claims.", claims.granted),
            ("ostro_jobs_given_back", "Grants whose worker had gone before the answer.", claims.given_back),
        ):
            yield CounterMetricFamily(name, text, value=count)
        for name, text, value in (
            ("ostro_events_pending", "Events that wait for a decision.", lanes.pending),
            (
                "ostro_cached_tasks",
                "Tasks of the workflows in memory; a KiB of kept results counts as one.",
                lanes.cached_tasks,
            ),
            ("ostro_polls_waiting", "Polls of workers with a free slot that wait here.", dispatcher.waiting),
            ("ostro_sessions", "Sessions of workers that this server knows.", claims.sessions),
            ("ostro_database_connections", "Open connections to PostgreSQL.", opened),
            ("ostro_database_connections_busy", "Those of them that are in use.", busy),
        ):
            yield GaugeMetricFamily(name, text, value=value)
