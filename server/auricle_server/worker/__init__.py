"""The process that owns an accelerator: its loop, the streams that it holds, and how many of them it takes."""
