"""`auricle demo`: speech becomes captions and turn ends inside Pipecat and LiveKit, on this machine, in real time."""
