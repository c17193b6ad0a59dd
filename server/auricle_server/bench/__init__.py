"""`auricle bench`: what a machine holds. Full-size models without their weights, NeMo beside us, figures as JSON.

The engine's part imports nothing beyond torch, numpy and the checkpoint readers, so that it runs on machines where
little is installed.
"""
