"""What several wire formats of one maker share."""
