# The server on a CPU. From the repository root:
#   docker build -f docker/cpu.Dockerfile -t auricle:cpu .
#   docker run --rm -p 8765:8765 -e AURICLE_API_KEYS=KEY auricle:cpu
FROM python:3.11-slim-bookworm

WORKDIR /opt/auricle
COPY . .
# The same order as the Makefile: torch at its exact pin, then the rest; here torch's own CPU build.
RUN pip install --no-cache-dir --index-url https://download.pytorch.org/whl/cpu "$(grep '^torch==' constraints.txt)" \
 && pip install --no-cache-dir -c constraints.txt '.[server]' \
 && useradd --create-home auricle \
 && install --directory --owner=auricle --group=auricle --mode=700 /var/lib/auricle
USER auricle

# The port is open to others than this machine. Without a key the server does not start, unless it gets --no-auth.
ENV AURICLE_REQUIRE_AUTH=true

EXPOSE 8765
# A first start downloads or unpacks the model, which takes minutes.
HEALTHCHECK --interval=10s --start-period=15m \
    CMD ["python", "/opt/auricle/docker/health.py"]
ENTRYPOINT ["auricle"]
CMD ["serve", "--host", "0.0.0.0"]
