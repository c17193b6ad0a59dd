"""Names of the precisions in which a model can compute, as `--dtype` takes them."""

from __future__ import annotations

AUTO, FLOAT32, BFLOAT16, FP16_WEIGHTS, INT8 = "auto", "float32", "bfloat16", "fp16-weights", "int8"
DTYPES = (AUTO, FLOAT32, BFLOAT16, FP16_WEIGHTS, INT8)
"""``auto`` is bfloat16 on a GPU; on a CPU it is float32 for small models and fp16-weights for large ones."""
