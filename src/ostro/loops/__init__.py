"""What runs by itself: each loop is one tick, and the supervisor does the waiting.

Owns: leases that run out, timers and messages that are due, what is dropped when it is old.
Never: decides what becomes of a workflow (it submits events); writes a queue row but through the dispatcher.
Called by: wiring.
"""
