"""What can be asked of Ostro: one function a use case, in core's and store's words.

Owns: who may do what, tokens, idempotency, waiting for news, the sentences that say why something waits.
Never: knows HTTP or a wire shape; decides about workflows (core does); writes a workflow or a queue by itself.
Called by: api, wiring, cli (for the first token of a database).
"""
