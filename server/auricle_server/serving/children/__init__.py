"""The processes that the supervisor starts, from its side: kept running, watched, relieved and ended."""
