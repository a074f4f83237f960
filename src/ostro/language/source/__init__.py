"""Text in YAML, with places.

Owns: what YAML means here, its bounds, and how `ostro fmt` lays a text out.
Never: knows a key of the language.
Called by: language alone.
"""
