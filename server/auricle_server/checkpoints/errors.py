"""What can be wrong with a checkpoint. All of these say what to do about it."""


class CheckpointError(Exception):
    """Base of every error of this package."""


class CheckpointNotFound(CheckpointError):
    """There is no such file, folder, bundled model or repository, or it cannot be reached."""


class BadCheckpoint(CheckpointError):
    """The file exists but is no checkpoint, or a damaged one."""


class UnsupportedModel(CheckpointError):
    """A sound checkpoint of a model that this engine does not run; the message says what is different."""


class DownloadFailed(CheckpointError):
    """A checkpoint was not brought from the hub whole: cut off, damaged on the way, or no room for it."""
