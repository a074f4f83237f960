"""HTTP: parse, know the caller, call one use case, render.

Owns: routes, bodies, problems, the OpenAPI document.
Never: decides, queries, or keeps anything between two requests.
Called by: wiring.
"""
