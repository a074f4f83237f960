"""The ways out of an end (rule 9): rerun, skip and set-result, and who waits again because of them.

Owns: what an operator may do to tasks that ended, and undoing that where it is refused half-way.
Never: does I/O; who calls has put the specifications of all tasks back (`engine.lanes.slow`), also of those that ended.
Called by: core.decide.
"""
