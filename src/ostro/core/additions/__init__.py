"""Tasks come, change and go: rules 2, 4, 10 and 11.

Owns: what may be added, by whom, and which requirements would make a task wait for itself.
Never: starts a task.
Called by: decide, the begin of definitions, revivals (for cycles).
"""
