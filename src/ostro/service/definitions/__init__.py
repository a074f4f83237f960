"""Use cases of definitions: workflows made from their texts.

Owns: what a start gives, checked.
Never: decides what a definition's tasks do.
Called by: api, and the loop that delivers messages.
"""
