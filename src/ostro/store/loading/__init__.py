"""Workflows into memory: read whole, brought up to date, with their definition's side.

Owns: what a lane keeps in its cache, and how it is read.
Never: writes a workflow.
Called by: the lanes; flows also by service and loops, for plans.
"""
