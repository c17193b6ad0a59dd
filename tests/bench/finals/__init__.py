"""What finalizes in pauses do to words, compared with the same streams without finalizes."""
