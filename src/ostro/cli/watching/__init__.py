"""What a person sees of a workflow that runs: a tree on a terminal, lines elsewhere, its outcome at the end.

Owns: which tasks are worth a line, how they are laid out, how long a server that is away is waited for.
Never: changes anything; asks for more than one look at a time.
Called by: the commands `run` and `workflow watch`.
"""
