"""Where the log of a server or a worker goes: stderr, readable on a terminal, JSON lines elsewhere."""

import os
import sys
from contextlib import suppress

import structlog

_DEBUG, _INFO = 10, 20


def log_to_stderr() -> None:
    """From now on. `OSTRO_DEBUG` in the environment shows more."""
    on_terminal = sys.stderr.isatty()
    rendered: list[structlog.types.Processor] = (
        [structlog.dev.ConsoleRenderer()]
        if on_terminal
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *rendered,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            _DEBUG if os.environ.get("OSTRO_DEBUG") else _INFO
        ),
        logger_factory=_Stderr,
        cache_logger_on_first_use=True,
    )


class _Stderr:
    """Writes lines to what is stderr at that moment. A log that nobody reads any more stops nobody's work."""

    def __init__(self, *_names: object) -> None:
        pass

    def msg(self, line: str) -> None:
        with suppress(OSError, ValueError):  # the reader of the pipe is gone; the stream is closed
            print(line, file=sys.stderr, flush=True)

    debug = info = warning = error = critical = exception = msg
