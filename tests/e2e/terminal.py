"""A command on a terminal of its own, and what stands on the screen."""

import asyncio
import fcntl
import os
import pty
import re
import struct
import termios
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tests.faults.processes import OSTRO

ROWS, COLUMNS = 30, 120
_PIECES = re.compile(r"\x1b\[\??([\d;]*)([A-Za-z])|(\r)|(\n)|([^\x1b\r\n]+)")


class Screen:
    """As much of a terminal as the tree needs: lines, returns, the cursor up, a line wiped."""

    def __init__(self) -> None:
        self.lines = [""]
        self.row = 0
        self.steps_up = 0
        self._rest = ""

    def feed(self, text: str) -> None:
        text = self._rest + text
        cut = text.rfind("\x1b") if re.search(r"\x1b(\[[\d;?]*)?$", text) else len(text)
        text, self._rest = text[:cut], text[cut:]
        for match in _PIECES.finditer(text):
            number, letter, returned, new_line, words = match.groups()
            if letter == "A":
                self.row = max(0, self.row - int(number or 1))
                self.steps_up += 1
            elif letter == "K":
                self.lines[self.row] = ""
            elif returned:
                pass  # what is written next begins the line anew: the tree wipes it first
            elif new_line:
                self.row += 1
                self.lines += [""] * (self.row + 1 - len(self.lines))
            elif words:
                self.lines[self.row] += words

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.lines)


class Terminal:
    """A running command."""

    def __init__(self, process: asyncio.subprocess.Process, master: int) -> None:
        self.process = process
        self.screen = Screen()
        self._master = master
        self._news = asyncio.Event()
        asyncio.get_running_loop().add_reader(master, self._read)

    def _read(self) -> None:
        try:
            said = os.read(self._master, 65536)
        except OSError:  # nobody has it open any more
            said = b""
        if not said:
            asyncio.get_running_loop().remove_reader(self._master)
        self.screen.feed(said.decode(errors="replace"))
        self._news.set()

    async def until(self, holds: Callable[[str], object]) -> str:
        """What stands there, once that is so."""
        async with asyncio.timeout(60):
            while not holds(self.screen.text):
                self._news.clear()
                await self._news.wait()
        return self.screen.text

    async def end(self) -> int:
        """Its exit code, once all of it was read."""
        async with asyncio.timeout(60):
            return await self.process.wait()


@asynccontextmanager
async def typed_on_a_terminal(environment: dict[str, str], *words: str) -> AsyncIterator[Terminal]:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    try:
        process = await asyncio.create_subprocess_exec(
            *OSTRO, *words, env={**environment, "TERM": "xterm-256color"}, stdin=slave, stdout=slave, stderr=slave
        )  # fmt: skip
    finally:
        os.close(slave)
    terminal = Terminal(process, master)
    try:
        yield terminal
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        asyncio.get_running_loop().remove_reader(master)
        os.close(master)
