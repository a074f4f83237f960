"""What makes decisions true: lanes (the one writer of workflows) and the dispatcher (the one of queues).

Owns: the order of commits, the cache of workflows, sessions and leases of workers, who waits here for what.
Never: decides what happens next in a workflow (core does); knows a wire shape.
Called by: service, loops and wiring.
"""
