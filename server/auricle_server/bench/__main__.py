"""`python -m auricle_server.bench` is `auricle bench`, on machines that lack what the rest of the server needs."""

from auricle_server.commands.bench import bench

if __name__ == "__main__":
    bench()
