"""`python -m auricle_server` is the `auricle` command."""

from auricle_server.cli import main

if __name__ == "__main__":
    main()
