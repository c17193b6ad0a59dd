"""Triton kernels of the operations, and the functions that launch them."""
