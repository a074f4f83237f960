"""The command line: one file per noun, loaded when it is named.

Owns: commands, their options and help, what is printed, exit codes.
Never: decides anything; imports the server side, but inside `dev`, `server`, `db` and the first `token create`.
Called by: people and scripts.
"""
