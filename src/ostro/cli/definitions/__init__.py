"""Commands on files with definitions.

Owns: `ostro lint`, `fmt`, `graph` and `schema`: how they read files and how they print.
Never: asks a server.
Called by: cli.main.
"""
