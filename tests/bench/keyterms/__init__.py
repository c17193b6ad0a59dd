"""Recognition of unknown names with key terms and without, and the cost of key terms."""
