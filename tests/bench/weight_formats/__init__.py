"""What fp16 and int8 weights cost in words, and where: `python -m tests.bench.weight_formats`."""
