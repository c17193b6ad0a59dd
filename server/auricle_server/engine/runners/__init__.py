"""How steps are executed: eagerly, or as CUDA graphs of fixed shapes."""
