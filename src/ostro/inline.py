"""The actions without effects, for the core and for the worker alike.

Input and result are JSON texts (bytes). An action that fails raises `InlineFailure`.
"""

import msgspec

from ostro.values import TaskState


class InlineFailure(Exception):
    """The action ended in ERROR, with this message and perhaps a result."""

    def __init__(self, message: str, result: bytes | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.result = result


class _EchoInput(msgspec.Struct):
    output: msgspec.Raw = msgspec.Raw(b"null")


class _FailInput(msgspec.Struct):
    error_data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


def run_inline(action: str, given: bytes) -> bytes | None:
    """Run `std.noop`, `std.echo` (answers its `output`) or `std.fail` (may carry `error_data`).

    Returns the result as JSON, None for no result. Raises InlineFailure.
    """
    try:
        if action == "std.echo":
            return bytes(msgspec.json.decode(given, type=_EchoInput).output)
        if action == "std.fail":
            data = msgspec.json.decode(given, type=_FailInput).error_data
            raise InlineFailure(
                "std.fail fails by its nature", None if data is msgspec.UNSET else bytes(data)
            )
    except msgspec.DecodeError as error:
        raise InlineFailure(f"the input of {action} is not what it takes: {error}") from None
    return None


def outcome_of(action: str, given: bytes) -> tuple[TaskState, bytes | None, str | None]:
    """How a run of it inside a decision ends: the state, the result and the error's text, each None for none."""
    try:
        return TaskState.SUCCESS, run_inline(action, given), None
    except InlineFailure as failed:
        return TaskState.ERROR, failed.result, failed.message
