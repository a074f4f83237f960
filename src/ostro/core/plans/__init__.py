"""Definitions made ready to run, and what a workflow made from one has beside its tasks.

Owns: libraries of texts, plans, steps, variables by layers.
Never: decides what happens.
Called by: the rest of core; the store writes and reads its rows, the engine makes plans.
"""
