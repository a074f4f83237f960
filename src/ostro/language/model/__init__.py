"""What a text means: documents, definitions, tasks. Each key is declared once, with how it is written.

Owns: the keys. The reader, the JSON Schema and the reference page all come from these declarations.
Also what the actions that come with Ostro take.
Never: reads or checks anything.
Called by: read, check, and all that make workflows from definitions.
"""
