"""The gateway's view of its workers: which has room, and the slot that a stream leases from it."""
