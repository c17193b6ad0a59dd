"""`auricle bench`: how many live streams a machine sustains.

Models of full size with random weights, NeMo's own pipeline beside the engine in the same run, and figures as JSON. The
engine's part imports only torch, numpy and the checkpoint readers, because machines with a GPU often have little else
installed.
"""


class MissingPackage(RuntimeError):
    """A package that a bench needs is not installed; the message says how to install it."""
