"""YAQL: our own compiler for what people write, the `yaql` library for the rest.

Owns: the grammar, the values and the functions of YAQL as Mistral configures it.
Never: differs from the library in a result (a differential test holds that), evaluates without limits.
Called by: expressions.parsing.
"""
