"""What Ostro keeps, and the only place that talks to PostgreSQL.

Owns: every SQL statement, the connection pools, the migrations, the embedded PostgreSQL.
Never: decides what happens next in a workflow; hands out a database driver's types.
Called by: engine, service, loops and wiring.
"""
