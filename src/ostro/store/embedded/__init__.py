"""A PostgreSQL of Ostro's own, in a data directory: nothing to install, nothing to administer.

Owns: the data directory and its one holder, the binaries, the postgres process from start to end.
Never: shares a data directory, listens on the network, changes a folder that it did not make.
Called by: wiring, the command line (dump, restore), the tests.
"""

from ostro.store.embedded.server import EmbeddedPostgres, reachable

__all__ = ["EmbeddedPostgres", "reachable"]
