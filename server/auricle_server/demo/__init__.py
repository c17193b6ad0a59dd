"""`auricle demo`: live captions and turn ends in Pipecat and LiveKit, in real time on this machine."""
