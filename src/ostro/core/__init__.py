"""What happens next: the workflow aggregate and the rules of the design's section 3.

Owns: the states and moves of workflows and tasks, and every decision about them.
Never: does I/O, reads a clock, makes an id, logs; `now` and ids come in as arguments.
Called by: engine (to decide), service (to explain), testing.
"""
