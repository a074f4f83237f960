"""The `yaql` library, for what we do not compile, under limits of ours.

Owns: the library's engine, a context that counts each call, safe versions of its dangerous functions.
Never: lets one of its functions loop, or make something large, uncounted; reads its clock or its chance.
Called by: yaql.evaluator.
"""
