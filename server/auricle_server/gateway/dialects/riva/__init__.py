"""NVIDIA Riva's speech recognition over gRPC: what its messages mean. Needs protobuf, of the extra ``[riva]``."""
