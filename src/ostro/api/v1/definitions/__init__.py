"""Endpoints of definitions and environments.

Owns: their paths, their checks, their shapes.
Never: reads a definition's text; `service.definitions` does.
Called by: api.openapi.
"""
