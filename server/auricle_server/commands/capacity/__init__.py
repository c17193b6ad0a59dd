"""Commands about machines that are not there yet."""
