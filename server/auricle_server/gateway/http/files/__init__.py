"""The file lane: recordings that are uploaded in one request, through the same sessions as live streams."""
