"""What jobs run: `script` and the `std` actions.

Owns: the registry of actions, what a run is given, processes and their groups.
Never: talks to a server, decides what a result means.
Called by: worker.
"""
