"""The JSON shapes of /v1, the same on both ends of the wire.

Owns: one struct per body, in the words of the glossary.
Never: knows storage, HTTP or the core.
Called by: api.v1, client, worker.
"""
