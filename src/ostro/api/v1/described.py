"""From what callers say of tasks and workflows to the core's specifications: every mistake with its place."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

from ostro.api.checked import check_depth, hash_of
from ostro.core.specs import Birth, TaskSpec, WithExpressions
from ostro.errors import Invalid, TooLarge
from ostro.language.expressions import faults, template
from ostro.protocol.tasks import TaskRequest
from ostro.protocol.workflows import OutputOf, WorkflowRequest
from ostro.service.tasks import id_of
from ostro.values import UUID, Limits, MaySpawn, Retry, Term

_DESCRIPTION = 16 * 1024
_LONGEST_SECONDS = 10 * 366 * 86_400.0
_MOST_RETRIES = 10_000
_YEARS = range(1970, 9999)
"""Of a deadline: PostgreSQL keeps more, Python cannot hold what lies at the rim in every zone."""
_LONGEST_KEPT = 10 * 366 * 86_400
_MOST_GOALS = 100
_MOST_OUTPUTS = 1_000


class _TaskBodies(msgspec.Struct):
    """The tasks of a request once more, each as its own bytes: what a task's hash is of."""

    tasks: list[Raw] = []


def specs_of(raw: bytes, tasks: Sequence[TaskRequest], limits: Limits) -> list[TaskSpec]:
    """The tasks of a body `{"tasks": […]}`. Invalid with all mistakes at once, TooLarge above a size."""
    if len(tasks) > limits.tasks_per_batch:
        raise TooLarge(
            "batch_too_large",
            f"A request adds at most {limits.tasks_per_batch} tasks, and this one has {len(tasks)}.",
            hint="Add them in several requests.",
            fields=[("$.tasks", "too many")],
        )
    if not tasks:
        return []
    bodies = msgspec.json.decode(raw, type=_TaskBodies).tasks
    wrong: list[tuple[str, str]] = []
    specs = [
        _spec(task, bytes(body), limits, f"$.tasks[{index}]", wrong)
        for index, (task, body) in enumerate(zip(tasks, bodies, strict=True))
    ]
    refuse(wrong)
    return specs


def spec_of(raw: bytes, task: TaskRequest, limits: Limits) -> TaskSpec:
    """A body that is one task."""
    wrong: list[tuple[str, str]] = []
    spec = _spec(task, raw, limits, "$", wrong)
    refuse(wrong)
    return spec


def birth_of(namespace: int, workflow: UUID, wanted: WorkflowRequest, limits: Limits) -> Birth:
    """A workflow as its caller described it."""
    wrong: list[tuple[str, str]] = []
    if wanted.name:
        check_label(wanted.name, "$.name", limits, wrong)
    check_description(wanted.description, "$.description", wrong)
    check_labels(wanted.tags, limits.tags_per_task, "$.tags", limits, wrong)
    check_deadline(wanted.deadline, "$.deadline", wrong)
    check_keep(wanted.keep, "$.keep", wrong)
    check_output(wanted.output, "$.output", limits, wrong)
    done_when = terms_of(wanted.done_when)
    _check_terms(done_when, _MOST_GOALS, "$.done_when", limits, wrong)
    refuse(wrong)
    return Birth(
        namespace=namespace,
        id=workflow,
        name=wanted.name,
        description=wanted.description,
        tags=tuple(sorted(set(wanted.tags))),
        deadline=wanted.deadline,
        keep=wanted.keep,
        done_when=done_when,
        output=output_of(wanted.output),
    )


def terms_of(requires: Iterable[str | Term]) -> tuple[Term, ...]:
    """A bare name is short for a term on it."""
    return tuple(Term(task=one) if isinstance(one, str) else one for one in requires)


def output_of(output: Mapping[str, OutputOf] | None) -> dict[str, str] | None:
    """Key → name of the task."""
    return None if output is None else {key: of.task for key, of in output.items()}


def refuse(wrong: Sequence[tuple[str, str]]) -> None:
    """Invalid, if there is anything wrong."""
    if wrong:
        path, what = wrong[0]
        more = f" (and {len(wrong) - 1} more mistakes)" if len(wrong) > 1 else ""
        raise Invalid("invalid", f"{path}: {what}{more}", fields=wrong[:100])


def check_label(text: str, path: str, limits: Limits, wrong: list[tuple[str, str]]) -> None:
    """Names, tags, keys and values: short and printable."""
    if not 0 < len(text) <= limits.name_length:
        wrong.append((path, f"takes 1 to {limits.name_length} characters"))
    elif not text.isprintable():
        wrong.append((path, "takes printable characters only"))


def check_labels(
    texts: Sequence[str], most: int, path: str, limits: Limits, wrong: list[tuple[str, str]]
) -> None:
    """A list of labels."""
    if len(texts) > most:
        wrong.append((path, f"takes at most {most}"))
        return
    for index, text in enumerate(texts):
        check_label(text, f"{path}[{index}]", limits, wrong)


def check_description(text: str, path: str, wrong: list[tuple[str, str]]) -> None:
    """Any text, not too long."""
    if len(text) > _DESCRIPTION:
        wrong.append((path, f"takes at most {_DESCRIPTION} characters"))


def check_deadline(deadline: datetime | None, path: str, wrong: list[tuple[str, str]]) -> None:
    """An instant that can be kept and compared in every zone."""
    if deadline is not None and deadline.year not in _YEARS:
        wrong.append((path, f"is an instant in the years {_YEARS[0]} to {_YEARS[-1]}"))


def check_keep(keep: int | None, path: str, wrong: list[tuple[str, str]]) -> None:
    """Seconds after the end."""
    if keep is not None and not 0 <= keep <= _LONGEST_KEPT:
        wrong.append((path, f"takes 0 (for ever) to {_LONGEST_KEPT} seconds"))


def check_output(
    output: Mapping[str, OutputOf] | None, path: str, limits: Limits, wrong: list[tuple[str, str]]
) -> None:
    """Keys, and names of tasks."""
    if output is None:
        return
    if len(output) > _MOST_OUTPUTS:
        wrong.append((path, f"takes at most {_MOST_OUTPUTS} keys"))
        return
    for key, of in output.items():
        check_label(key, f"{path}.{key[:40]}", limits, wrong)
        check_label(of.task, f"{path}.{key[:40]}.task", limits, wrong)


def check_target(target: Mapping[str, str], path: str, limits: Limits, wrong: list[tuple[str, str]]) -> None:
    """Capabilities: `key=value` must be readable back."""
    if len(target) > limits.target_keys:
        wrong.append((path, f"takes at most {limits.target_keys} keys"))
        return
    for key, value in target.items():
        check_label(key, f"{path}.{key[:40]}", limits, wrong)
        check_label(value, f"{path}.{key[:40]}", limits, wrong)
        if "=" in key:
            wrong.append((f"{path}.{key[:40]}", "a key holds no ="))


def _spec(task: TaskRequest, raw: bytes, limits: Limits, path: str, wrong: list[tuple[str, str]]) -> TaskSpec:
    given = bytes(task.input) if task.input is not UNSET else b"{}"
    _check_name(task.name, f"{path}.name", limits, wrong)
    check_label(task.action, f"{path}.action", limits, wrong)
    check_description(task.description, f"{path}.description", wrong)
    check_labels(task.tags, limits.tags_per_task, f"{path}.tags", limits, wrong)
    check_target(task.target, f"{path}.target", limits, wrong)
    requires = terms_of(task.requires)
    _check_terms(requires, limits.terms_per_task, f"{path}.requires", limits, wrong)
    if not -100 <= task.priority <= 100:
        wrong.append((f"{path}.priority", "is a number from -100 to 100"))
    if task.timeout is not None and not 0 < task.timeout <= _LONGEST_SECONDS:
        wrong.append((f"{path}.timeout", "is a number of seconds above 0"))
    _check_retry(task.retry, f"{path}.retry", wrong)
    _check_grant(task.may_spawn, f"{path}.may_spawn", limits, wrong)
    _check_input(given, f"{path}.input", limits)
    evaluates = _evaluated(task, given, path, wrong) if task.evaluate else None
    aims_later = evaluates is not None and evaluates.target
    return TaskSpec(
        name=task.name,
        action=task.action,
        input=given if evaluates is None else b"",
        evaluates=evaluates,
        tags=tuple(sorted(set(task.tags))),
        target={} if aims_later else task.target,
        requires=requires,
        retry=task.retry,
        timeout=task.timeout,
        safe_rerun=task.safe_rerun,
        priority=task.priority,
        may_spawn=task.may_spawn,
        description=task.description,
        hash=hash_of(raw),
    )


def _evaluated(task: TaskRequest, given: bytes, path: str, wrong: list[tuple[str, str]]) -> WithExpressions:
    """Its expressions, each of which can be read."""
    found = {"input": msgspec.json.decode(given), "target": task.target}
    mistakes = faults(found)
    wrong += [(_place(path, one.path), one.message.rstrip(".")) for one in mistakes]
    aims_later = not mistakes and not template(task.target).is_literal
    return WithExpressions(given, task.target if aims_later else {})


def _place(path: str, within: Sequence[str | int]) -> str:
    return path + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in within)


def _check_name(name: str, path: str, limits: Limits, wrong: list[tuple[str, str]]) -> None:
    check_label(name, path, limits, wrong)
    if id_of(name) is not None:
        wrong.append((path, "reads as an id: paths take a task's name or its id, so a name must not be one"))
    if name in {".", ".."}:
        wrong.append((path, "has a meaning of its own in paths"))


def _check_terms(
    terms: Sequence[Term], most: int, path: str, limits: Limits, wrong: list[tuple[str, str]]
) -> None:
    """What terms name; whether each is well formed is the core's to say."""
    if len(terms) > most:
        wrong.append((path, f"takes at most {most}"))
        return
    for index, term in enumerate(terms):
        if term.task is not None:
            check_label(term.task, f"{path}[{index}].task", limits, wrong)
        for kind, tags in (("tags", term.tags), ("all_tags", term.all_tags)):
            if tags:
                check_labels(tags, limits.tags_per_task, f"{path}[{index}].{kind}", limits, wrong)


def _check_input(given: bytes, path: str, limits: Limits) -> None:
    if len(given) > limits.input_bytes:
        raise TooLarge(
            "input_too_large",
            f"An input has at most {limits.input_bytes} bytes, and this one has {len(given)}.",
            hint="Put large data where the job can fetch it, and send the address.",
            fields=[(path, "too large")],
        )
    if not given.lstrip().startswith(b"{"):
        raise Invalid("invalid", f"{path}: is a JSON object", fields=[(path, "is a JSON object")])
    check_depth(given, limits.json_depth, path)


def result_of(given: Raw, limits: Limits) -> bytes:
    """A result as somebody outside says it. TooLarge above a size, Invalid beyond the depth."""
    if len(given_bytes := bytes(given)) > limits.result_bytes:
        raise TooLarge(
            "result_too_large",
            f"A result has at most {limits.result_bytes} bytes, and this one has {len(given_bytes)}.",
            fields=[("$.result", "too large")],
        )
    check_depth(given_bytes, limits.json_depth, "$.result")
    return given_bytes


def object_of(given: Raw | UnsetType, path: str, limits: Limits) -> dict[str, Any]:
    """A JSON object as its caller sent it, within the limits of an input; empty where it was left out."""
    if given is UNSET:
        return {}
    _check_input(bytes(given), path, limits)
    decoded: dict[str, Any] = msgspec.json.decode(given)
    return decoded


def _check_retry(retry: Retry | None, path: str, wrong: list[tuple[str, str]]) -> None:
    if retry is None:
        return
    if not 0 <= retry.count <= _MOST_RETRIES:
        wrong.append((f"{path}.count", f"is a number from 0 to {_MOST_RETRIES}"))
    if not 0 <= retry.delay <= _LONGEST_SECONDS:
        wrong.append((f"{path}.delay", "is a number of seconds, 0 or more"))


def _check_grant(grant: MaySpawn | None, path: str, limits: Limits, wrong: list[tuple[str, str]]) -> None:
    if grant is None:
        return
    if not 0 <= grant.max <= limits.tasks_per_workflow:
        wrong.append((f"{path}.max", f"is a number from 0 to {limits.tasks_per_workflow}"))
    check_labels(grant.tags, 1000, f"{path}.tags", limits, wrong)
    check_labels(grant.actions, 1000, f"{path}.actions", limits, wrong)
    if len(grant.targets) > 1000:
        wrong.append((f"{path}.targets", "takes at most 1000"))
        return
    for index, target in enumerate(grant.targets):
        check_target(target, f"{path}.targets[{index}]", limits, wrong)
