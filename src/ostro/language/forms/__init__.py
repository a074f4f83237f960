"""How each value of the language may be written: read, described and put into the JSON Schema from one declaration.

Owns: the forms, from a plain text to a transition.
Never: knows which keys there are (the model says that) or what fits together (`check`).
Called by: model (to declare), read, schema and reference.
"""
