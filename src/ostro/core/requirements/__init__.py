"""Requirements: terms, the conditions that they share, the counters that decide them.

Owns: rule 3 of the design, and the counters that it needs.
Never: changes a task or a workflow; knows what follows from a verdict.
Called by: core alone.
"""
