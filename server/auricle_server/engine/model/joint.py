"""The joint's output layer: from a joint activation to one logit a token.

NeMo: ``nemo.collections.asr.modules.RNNTJoint``. The encoder's and the prediction network's projections belong to the
networks that end in them.
"""

from __future__ import annotations

from auricle_server.checkpoints.config import DecoderConfig
from auricle_server.engine.model.parameters import Parameters


class Joint:
    """The joint's output layer, fp32: an argmax between near ties decides about a word.

    Attributes:
        weight: [V + 1, joint].
        bias: [V + 1].
        logits: The product with them.
    """

    def __init__(self, config: DecoderConfig, parameters: Parameters) -> None:
        self.weight = parameters.exact("joint.joint_net.2.weight", config.vocabulary + 1, config.joint)
        self.bias = parameters.exact("joint.joint_net.2.bias", config.vocabulary + 1)
        self.logits = parameters.outer_product(self.weight, self.bias)
