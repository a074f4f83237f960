"""The tree on a terminal, drawn again in place."""

from datetime import datetime, timedelta

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from ostro.cli.watching.branches import Branch, tree_of
from ostro.cli.watching.cut import fitted
from ostro.cli.watching.drawn import drawn
from ostro.cli.watching.looks import looks
from ostro.client.workflow import Workflow
from ostro.clock import monotonic
from ostro.protocol.workflows import Family

_A_SECOND = 4


async def draw_tree(console: Console, workflow: Workflow) -> None:
    """Draws until the workflow has ended; the last picture stays."""
    picture = _Picture(console)
    enough = min(1000, max(10, console.height))  # neither workflows nor tasks of one kind have more lines
    with Live(console=console, get_renderable=picture.now, refresh_per_second=_A_SECOND):
        async for family in looks(workflow, limit=enough, tasks=enough, away=picture.hear):
            picture.show(family)


class _Picture:
    """The last look, and how it is drawn at this moment."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._look: _Look | None = None
        self._is_away = False

    def show(self, family: Family) -> None:
        """From now on this."""
        self._look = _Look(family)

    def hear(self, away: bool) -> None:
        """Whether the server answers."""
        self._is_away = away

    def now(self) -> RenderableType:
        """The picture; what runs has run on since the look."""
        note = [Text("The server does not answer; it is asked again and again.")] if self._is_away else []
        if self._look is None:
            return Group(*note)
        tree = self._look.tree(self._console.height - 1 - len(note))
        return Group(drawn(tree, self._look.now()), *note)


class _Look:
    """What came, and when; laid out once for each height."""

    def __init__(self, family: Family) -> None:
        self._then, self._came = family.at, monotonic()
        self._whole = tree_of(family)
        self._cut: tuple[int, Branch] | None = None

    def tree(self, most: int) -> Branch:
        """In at most so many lines."""
        if self._cut is None or self._cut[0] != most:
            self._cut = most, fitted(self._whole, most)
        return self._cut[1]

    def now(self) -> datetime:
        """The server's time, by how long ago the look came."""
        return self._then + timedelta(seconds=monotonic() - self._came)
