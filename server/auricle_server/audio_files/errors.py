"""The failure of everything that reads recordings."""


class UnreadableAudio(Exception):
    """A file cannot be read as audio; the message gives the reason without the file's name."""
