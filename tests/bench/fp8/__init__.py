"""What FP8 costs in words."""
