# The server on a CPU. From the repository root:
#   docker build -f docker/cpu.Dockerfile -t auricle:cpu .
#   docker run --rm --read-only --tmpfs /tmp -p 8765:8765 -e AURICLE_API_KEYS=KEY auricle:cpu
# To pin the base to a digest: --build-arg PYTHON=python@sha256:...
ARG PYTHON=python:3.11.13-slim-bookworm

FROM ${PYTHON} AS build
RUN python -m venv /opt/auricle
WORKDIR /source
# torch at its exact pin first, as in the Makefile; here its own CPU build. A layer of its own, which changes rarely.
COPY constraints.txt ./
RUN /opt/auricle/bin/pip install --no-cache-dir "$(grep '^pip==' constraints.txt)" \
 && /opt/auricle/bin/pip install --no-cache-dir --index-url https://download.pytorch.org/whl/cpu \
        "$(grep '^torch==' constraints.txt)"
# Turn detection by sound, live audio in containers, and clients of NVIDIA Riva, beside the server itself.
COPY . .
RUN /opt/auricle/bin/pip install --no-cache-dir -c constraints.txt '.[server,turns,containers,riva,otel]'

FROM ${PYTHON}
# Numbers, so that Kubernetes can tell that it is not root. The folders are volumes: the rest may be read-only.
RUN groupadd --gid 10001 auricle \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp auricle \
 && install --directory --owner=10001 --group=10001 --mode=700 /models /var/lib/auricle
# The program ffmpeg, for recordings that libsndfile does not read: m4a, mp4, webm and others.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ffmpeg \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/auricle /opt/auricle
COPY docker/health.py /opt/auricle/health.py
USER 10001:10001

# The port is open to others than this machine. Without a key the server does not start, unless it gets --no-auth.
ENV PATH=/opt/auricle/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    HF_HOME=/models \
    AURICLE_DEVICE=cpu \
    AURICLE_HOST=0.0.0.0 \
    AURICLE_REQUIRE_AUTH=true

# Downloaded and unpacked models; the files with keys and with what they use.
VOLUME ["/models", "/var/lib/auricle"]
EXPOSE 8765
# A first start downloads or unpacks the model, which takes minutes.
HEALTHCHECK --interval=10s --timeout=5s --start-period=15m \
    CMD ["python", "/opt/auricle/health.py"]
ENTRYPOINT ["auricle"]
CMD ["serve"]
