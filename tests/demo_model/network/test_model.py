from __future__ import annotations

import torch

from demo_model.audio.phones import IGNORED
from demo_model.network.model import PromptKernel, phone_loss


def test_the_prompt_kernel_is_nemos_and_begins_by_changing_little() -> None:
    kernel = PromptKernel(8, 16)
    encoded, given = torch.randn(2, 5, 8), torch.randint(0, 16, (2, 5))
    one_hot = torch.nn.functional.one_hot(given, 16).float()
    expected = kernel[2](torch.relu(kernel[0](torch.cat((encoded, one_hot), -1))))
    torch.testing.assert_close(kernel(encoded, given), expected)
    kernel.initialise()
    assert (kernel(encoded, given) - encoded).abs().max() < 0.2


def test_labels_that_are_not_known_do_not_count() -> None:
    scores, labels = torch.randn(2, 3, 4, 41), torch.randint(0, 41, (2, 3, 4))
    labels[1] = IGNORED
    wanted = torch.nn.functional.cross_entropy(scores[0].flatten(0, 1), labels[0].flatten())
    torch.testing.assert_close(phone_loss(scores, labels), wanted)
    assert phone_loss(scores, torch.full_like(labels, IGNORED)) == 0
