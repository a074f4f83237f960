"""Which database holds a namespace."""

from typing import Final

MAIN: Final = "main"


def placement_of(namespace: int) -> str:
    """The placement of a namespace: a name for the database that holds it, the same one for all today.

    What writes names one placement: a lane works for one alone, so no statement and no transaction reaches
    over two. That is what lets namespaces spread over databases later without touching who writes.
    """
    return MAIN
