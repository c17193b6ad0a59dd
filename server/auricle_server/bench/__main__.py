"""`python -m auricle_server.bench` is `auricle bench` for machines without the other packages of the server."""

from auricle_server.commands.bench import bench

if __name__ == "__main__":
    bench()
