"""The routes of /v1, a module a noun.

Owns: the table of endpoints, and how wire shapes become core's words and back.
Never: knows Mistral's words or API.
Called by: api.app and api.openapi.
"""
