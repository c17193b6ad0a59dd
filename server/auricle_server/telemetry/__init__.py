"""What a server tells of itself: metrics, logs (how lines are written, what they may hold), spans for OpenTelemetry."""
