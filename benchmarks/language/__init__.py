"""What the language costs where no server is asked: `python -m benchmarks.language ROW`, a process of its own.

So neither the bench's loop nor what other rows left in memory takes part. It prints one line of JSON.
"""
