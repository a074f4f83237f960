"""Use cases of definitions and environments: stored by name, and workflows made from them.

Owns: what an upload and a start give, checked; what a name means when it is used.
Never: decides what a definition's tasks do.
Called by: api, and the loop that delivers messages.
"""
