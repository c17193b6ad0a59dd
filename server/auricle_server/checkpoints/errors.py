"""Errors of this package. Each message says what is wrong with a checkpoint and what to do."""


class CheckpointError(Exception):
    """Base of every error of this package."""


class CheckpointNotFound(CheckpointError):
    """The file, folder, bundled model or repository does not exist, or the hub cannot be reached."""


class BadCheckpoint(CheckpointError):
    """The file is not a checkpoint, or a damaged one."""


class UnsupportedModel(CheckpointError):
    """An intact checkpoint of a model that this engine does not run; the message says what is different."""


class DownloadFailed(CheckpointError):
    """A checkpoint was not downloaded completely: the connection broke, the content is damaged, or the disk is full."""


class UnpackFailed(CheckpointError):
    """A gzipped archive was not unpacked: the disk is full, or the cache cannot be written to."""
