"""Where each thing of /v1 is found. `{…}` stands for a part that `at` fills in and percent-encodes."""

from typing import Final
from urllib.parse import quote

from ostro.protocol.workers import LEAVE_PATH as LEAVE
from ostro.protocol.workers import LOGS_PATH as LOGS
from ostro.protocol.workers import POLL_PATH as POLL
from ostro.protocol.workers import REGISTER_PATH as REGISTER
from ostro.values import UUID

__all__ = ["LEAVE", "LOGS", "POLL", "REGISTER", "at"]

HEALTH: Final = "/v1/health"
OPENAPI: Final = "/v1/openapi.json"
METRICS: Final = "/metrics"
"""Prometheus's own place; no part of /v1."""

WORKFLOWS: Final = "/v1/workflows"
WORKFLOW: Final = "/v1/workflows/{workflow}"
SEAL: Final = "/v1/workflows/{workflow}/seal"
CANCEL: Final = "/v1/workflows/{workflow}/cancel"
PAUSE: Final = "/v1/workflows/{workflow}/pause"
RESUME: Final = "/v1/workflows/{workflow}/resume"
STOP: Final = "/v1/workflows/{workflow}/stop"
OUTPUT: Final = "/v1/workflows/{workflow}/output"
SIGNAL: Final = "/v1/workflows/{workflow}/signals/{name}"
CHANGES: Final = "/v1/workflows/{workflow}/changes"
FAMILY: Final = "/v1/workflows/{workflow}/family"

TASKS: Final = "/v1/workflows/{workflow}/tasks"
TASK: Final = "/v1/workflows/{workflow}/tasks/{task}"
TASK_CANCEL: Final = "/v1/workflows/{workflow}/tasks/{task}/cancel"
TASK_RERUN: Final = "/v1/workflows/{workflow}/tasks/{task}/rerun"
TASK_SKIP: Final = "/v1/workflows/{workflow}/tasks/{task}/skip"
TASK_RESULT: Final = "/v1/workflows/{workflow}/tasks/{task}/result"
TASK_JOBS: Final = "/v1/workflows/{workflow}/tasks/{task}/jobs"
TASK_ALONE: Final = "/v1/tasks"

JOB: Final = "/v1/jobs/{job}"
JOB_COMPLETE: Final = "/v1/jobs/{job}/complete"
JOB_LOGS: Final = "/v1/jobs/{job}/logs"

DEFINITIONS: Final = "/v1/definitions"
DEFINITIONS_VALIDATE: Final = "/v1/definitions/validate"
DEFINITION: Final = "/v1/definitions/{name}"
DEFINITION_VERSIONS: Final = "/v1/definitions/{name}/versions"
DEFINITION_DIFF: Final = "/v1/definitions/{name}/diff"
ENVIRONMENTS: Final = "/v1/environments"
ENVIRONMENT: Final = "/v1/environments/{name}"

WORKERS: Final = "/v1/workers"

TOKENS: Final = "/v1/tokens"
TOKEN: Final = "/v1/tokens/{token}"  # noqa: S105  (a path)
JOIN: Final = "/v1/tokens/join"

IDEMPOTENCY_KEY: Final = "Idempotency-Key"
"""The header under which a POST that was sent again gets the first one's answer (for a day)."""


def at(path: str, **parts: str | UUID) -> str:
    """The path with its parts filled in: `at(TASK, workflow=id, task="a/b")`. A task is named by its name or id."""
    return path.format(**{key: quote(str(part), safe="") for key, part in parts.items()})
