"""The network on tensors: log-mel, the cache-aware FastConformer encoder, the prediction network, the joint."""
