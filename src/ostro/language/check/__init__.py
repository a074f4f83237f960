"""What fits together: what leads where, what waits for what, what is known where.

Owns: every problem that more than one key makes.
Never: reads a text; changes a definition.
Called by: lint.
"""
