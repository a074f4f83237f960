"""How long something takes that is over in microseconds, or in some hundred milliseconds."""

import gc
import statistics
import time
from collections.abc import Callable
from timeit import Timer

_REPEATS = 7
_SECONDS = 0.05


def milliseconds(act: Callable[[], object], times: int = _REPEATS) -> float:
    """The median of so many; the first is not counted."""
    act()
    return 1000 * statistics.median(_once(act) for _ in range(times))


def _once(act: Callable[[], object]) -> float:
    gc.collect()  # what others left is not ours to clear away
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def microseconds(act: Callable[[], object]) -> float:
    """The median of some runs of so many that each takes a while. With garbage collection, as in a server."""
    timer = Timer(act, "gc.enable()", globals={"gc": gc})
    rounds = max(1, round(_SECONDS / timer.timeit(1)))
    rounds = max(1, round(_SECONDS * rounds / timer.timeit(rounds)))
    return 1e6 * statistics.median(timer.repeat(_REPEATS, rounds)) / rounds
