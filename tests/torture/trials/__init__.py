"""What hostile and unlucky clients do to a server that others use at the same time.

Each trial is a coroutine function of a `Target` that returns a `TrialResult`. It runs in a process of its own, so that
its work does not delay the callers that it must not harm.
"""
