"""YAQL's standard library, compiled.

Owns: the functions and methods of texts, numbers, sequences, maps and patterns.
Never: works without the meter of the run; gives what the library would not.
Called by: yaql.compiler, through the tables of yaql.signatures.
"""
