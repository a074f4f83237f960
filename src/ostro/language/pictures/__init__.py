"""Pictures of a workflow from its definition: Mermaid, DOT and SVG.

Owns: what a picture shows, and where things stand in an SVG.
Never: knows how a workflow runs.
Called by: `ostro graph`, and whoever shows definitions.
"""
