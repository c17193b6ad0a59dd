"""The port at which clients of NVIDIA Riva come in, over gRPC. Needs grpcio and protobuf, of the extra ``[riva]``."""
