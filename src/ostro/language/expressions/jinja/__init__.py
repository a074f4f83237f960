"""Jinja2 in its sandbox, with each of its loops, calls and copies counted.

Owns: the environment, what templates may call, what that costs.
Never: lets a template change the caller's data, read a file, draw chance, or run without limits.
Called by: expressions.parsing.
"""
