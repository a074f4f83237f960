"""News of workflows for those who wait for it: changes, ends, and whole families at a look.

Owns: how long who asks is let wait, and what wakes him.
Never: changes a workflow.
Called by: api, and other use cases that wait for something.
"""
