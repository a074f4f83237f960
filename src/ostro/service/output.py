"""What a workflow returns, computed when it is read."""

import msgspec

from ostro.service.access import Caller
from ostro.service.desk import Desk
from ostro.service.workflows import find
from ostro.store.tables import workflows
from ostro.store.tables.workflows import Part
from ostro.values import UUID, WorkflowState

_MOST_PARTS = 10_000


class Output(msgspec.Struct, frozen=True):
    """`values` by key, `references` to results too large to come along, `missing` keys of a declared output."""

    state: WorkflowState
    values: dict[str, bytes]
    references: dict[str, Part]
    missing: list[str]


async def read(desk: Desk, caller: Caller, workflow: UUID) -> Output:
    """The results that `output` names, or else those of successful tasks that no task requires by name."""
    view = await find(desk, caller, workflow)
    if view.flow is not None:
        computed = msgspec.json.decode(view.flow.output or b"{}", type=dict[str, msgspec.Raw])
        return Output(view.state, {key: bytes(value) for key, value in computed.items()}, {}, [])
    if view.output is None:
        most = desk.limits.output_bytes
        parts = await workflows.default_output(desk.database, caller.namespace, workflow, most, _MOST_PARTS)
        keyed = {part.name: part for part in parts}
        return _fitted(view.state, keyed, [], most)
    names = sorted(set(view.output.values()))
    found = {
        part.name: part
        for part in await workflows.chosen_output(
            desk.database, caller.namespace, workflow, names, desk.limits.output_bytes
        )
        if part.state == "SUCCESS"
    }
    keyed = {key: found[name] for key, name in view.output.items() if name in found}
    missing = [key for key in view.output if key not in keyed]
    return _fitted(view.state, keyed, missing, desk.limits.output_bytes)


def _fitted(state: WorkflowState, parts: dict[str, Part], missing: list[str], most: int) -> Output:
    """Values in order until `most` bytes are full; what does not fit is told by reference."""
    values: dict[str, bytes] = {}
    references: dict[str, Part] = {}
    for key, part in parts.items():
        body = part.body if part.size is not None else b"null"
        if body is None or len(body) > most:
            references[key] = part
        else:
            values[key] = body
            most -= len(body)
    return Output(state, values, references, missing)
