"""The `std` actions: one module for each that needs more than a worker.

Owns: what they do with their input, and how that ends.
Never: reaches an address that the worker's egress policy refuses.
Called by: the registry, when one is first run.
"""
