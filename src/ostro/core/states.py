"""The two literal tables of moves. Everything about states derives from them; SQL CHECKs repeat them."""

from typing import Final

from ostro.values import TaskState as T
from ostro.values import WorkflowState as W

MOVES: Final[dict[T, frozenset[T]]] = {
    T.WAITING: frozenset({T.DELAYED, T.PAUSED, T.RUNNING, T.SUCCESS, T.ERROR, T.CANCELLED, T.SKIPPED}),
    T.DELAYED: frozenset({T.PAUSED, T.RUNNING, T.SUCCESS, T.ERROR, T.CANCELLED, T.SKIPPED}),
    T.PAUSED: frozenset({T.DELAYED, T.RUNNING, T.SUCCESS, T.ERROR, T.CANCELLED, T.SKIPPED}),
    T.RUNNING: frozenset({T.DELAYED, T.SUCCESS, T.ERROR, T.CANCELLED}),
    T.SUCCESS: frozenset(),
    T.ERROR: frozenset(),
    T.CANCELLED: frozenset(),
    T.SKIPPED: frozenset(),
}
"""The engine's own moves of a task. WAITING, DELAYED or PAUSED → SUCCESS is an inline action, or a wait after the run;
DELAYED or PAUSED → SKIPPED is an operator's skip."""

_AGAIN = frozenset({T.WAITING, T.DELAYED, T.PAUSED})
"""To run again: once its terms hold, at once, or with the resume of its workflow."""

REVIVALS: Final[dict[T, frozenset[T]]] = {
    T.SUCCESS: _AGAIN | {T.SUCCESS, T.ERROR},
    T.ERROR: _AGAIN | {T.SUCCESS, T.ERROR, T.SKIPPED},
    T.CANCELLED: _AGAIN | {T.SUCCESS, T.ERROR, T.SKIPPED},
    T.SKIPPED: _AGAIN | {T.SUCCESS, T.ERROR, T.SKIPPED},
}
"""What an operator alone may do to an ended task (rule 9)."""

WORKFLOW_MOVES: Final[dict[W, frozenset[W]]] = {
    W.RUNNING: frozenset({W.PAUSED, W.SUCCESS, W.ERROR, W.CANCELLED}),
    W.PAUSED: frozenset({W.RUNNING, W.SUCCESS, W.ERROR, W.CANCELLED}),
    W.SUCCESS: frozenset(),
    W.ERROR: frozenset(),
    W.CANCELLED: frozenset(),
}

WORKFLOW_REVIVALS: Final[dict[W, frozenset[W]]] = {
    W.SUCCESS: frozenset({W.RUNNING}),
    W.ERROR: frozenset({W.RUNNING}),
    W.CANCELLED: frozenset({W.RUNNING}),
}
"""With the first of its tasks that is revived, its workflow is."""

ENDED: Final = frozenset(state for state, onward in MOVES.items() if not onward)
ACTIVE: Final = frozenset({T.DELAYED, T.PAUSED, T.RUNNING})
WORKFLOW_ENDED: Final = frozenset(state for state, onward in WORKFLOW_MOVES.items() if not onward)
