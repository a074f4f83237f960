"""The worker: takes jobs that are meant for it, runs them, reports how they ended.

Owns: a session's life, the jobs in hand, their results and logs until the server has them.
Never: decides about a task; runs a job twice at once; forgets a result that was not acknowledged.
Called by: cli.
"""
