"""Which streams are computed next. Numbers only; no tensor library."""
