"""Reads the workflow language: text in, checked definitions and expressions out.

Owns: the syntax and the meaning of what people write in definitions.
Never: does I/O, reads a clock, takes chance, logs; `now`, ids and data of others come in as arguments.
Called by: core, engine and service (to evaluate), api and cli (to check).
"""
