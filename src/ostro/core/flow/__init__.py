"""Workflows that were made from a definition: what its tasks run, what they publish, what follows them.

Owns: plans, the data that flows, joins, items, policies, transitions and commands.
Never: does I/O; what an expression asks of the world outside comes with the `Moment`, or is asked for (`Unanswered`).
Called by: the rest of core, where a task has a step; language makes the definitions.
"""
