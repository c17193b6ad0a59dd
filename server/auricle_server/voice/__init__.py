"""What the sound itself says about a turn: whether somebody speaks (Silero), whether it sounds complete (Smart Turn).

Importing this package loads neither numpy nor ONNX Runtime.
"""
