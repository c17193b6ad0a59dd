"""The server of Auricle: gateways that hold the connections, workers that own the accelerators."""
