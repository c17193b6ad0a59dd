# The server on an NVIDIA GPU; the host needs its driver and the NVIDIA container toolkit. From the repository root:
#   docker build -f docker/cuda.Dockerfile -t auricle:cuda .
#   docker run --rm --gpus all -p 8765:8765 -e AURICLE_API_KEYS=KEY auricle:cuda
FROM python:3.11-slim-bookworm

WORKDIR /opt/auricle
COPY . .
# The same order as the Makefile: torch at its exact pin, then the rest. PyPI's build brings the CUDA libraries it needs.
RUN pip install --no-cache-dir "$(grep '^torch==' constraints.txt)" \
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
CMD ["serve", "--host", "0.0.0.0", "--device", "cuda"]
