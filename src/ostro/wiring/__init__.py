"""The composition root: makes a server out of its parts, runs it, and takes it apart in order.

Owns: which parts there are, the order in which they begin and end, the doors that requests come in by.
Never: decides anything about a workflow.
Called by: cli, testing.
"""

from ostro.wiring.server import dev_tokens, engine, first_token, reach, run_dev, run_server

__all__ = ["dev_tokens", "engine", "first_token", "reach", "run_dev", "run_server"]
