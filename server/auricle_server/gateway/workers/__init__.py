"""The workers as a gateway sees them, and the slots that its streams lease there."""
