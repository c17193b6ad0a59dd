"""Accepts connections and keeps them until they have sent a request: deadlines, bounds, descriptors."""
