"""What a run of an action needs, with everything it wrote kept."""

import asyncio
import json
from pathlib import Path
from typing import Any

from ostro.actions.context import Context, Outcome, WrongInput
from ostro.actions.registry import Actions, standard


class Run:
    """One run in a folder of the test's own."""

    def __init__(self, folder: Path, given: Any, *, actions: Actions | None = None, **options: Any) -> None:
        self.actions = actions or standard()
        self.log: list[tuple[str, bytes]] = []
        self.wrote = asyncio.Event()
        marks = folder / "marks"
        marks.mkdir(exist_ok=True)
        self.context = Context(
            job="01890000-0000-7000-8000-000000000001",
            input=json.dumps(given).encode(),
            requires=options.pop("requires", {}),
            workdir=folder / "run",
            marks=marks,
            environment={
                "OSTRO_JOB": "01890000-0000-7000-8000-000000000001",
                **options.pop("environment", {}),
            },
            emit=self._emit,
            stopping=asyncio.Event(),
            **options,
        )

    def _emit(self, stream: str, piece: bytes) -> None:
        self.log.append((stream, piece))
        self.wrote.set()

    def written(self, stream: str) -> bytes:
        return b"".join(piece for name, piece in self.log if name == stream)

    async def act(self, action: str = "script") -> Outcome:
        run = self.actions.runner(action)
        assert run is not None
        try:
            return await run(self.context)
        except WrongInput as wrong:
            return Outcome(error=str(wrong))


def result_of(outcome: Outcome) -> Any:
    return json.loads(outcome.result or b"null")
