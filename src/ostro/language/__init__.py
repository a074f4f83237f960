"""The language: a text in YAML becomes definitions and expressions, and everything wrong with it is said at once.

Owns: Mistral's workflow language v2 and Ostro's own keys: how they are written, what they mean, what is wrong.
Never: does I/O, reads a clock, takes chance, logs; raises for what a user wrote (it becomes problems).
Called by: core and all above; `ostro lint`, `schema`, `graph` and `fmt` need nothing else.
"""
