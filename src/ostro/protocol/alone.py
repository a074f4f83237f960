"""The shortcut: one task, with the sealed workflow that the server makes around it."""

import msgspec

from ostro.protocol.tasks import Task
from ostro.values import UUID


class TaskAlone(msgspec.Struct, kw_only=True):
    """The task and its workflow. Answered 200 when it has ended, else 202 with `Location`: ask there."""

    workflow: UUID
    task: Task
