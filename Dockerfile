# syntax=docker/dockerfile:1
# Non-root, with every extra, fit for a read-only root file system: several workers write to /tmp
# only, and nothing else is written at run time.
#
#   docker build -t endpoint-gateway .
#   docker run --read-only -p 8080:8080 -e GATEWAY_SERVER__HOST=0.0.0.0 endpoint-gateway
#
# Everything comes by its hash: the base image here, the packages in requirements/.

FROM python:3.13-slim@sha256:70729b46c69b4f1e97c4822c1af3df53a1476cf5ddc6c087c0c10bc3a5678c2f AS build
WORKDIR /src
COPY requirements ./requirements
RUN python -m venv /opt/build \
 && /opt/build/bin/pip install --no-cache-dir --require-hashes -r requirements/build.txt \
 && python -m venv /opt/gateway \
 && /opt/gateway/bin/pip install --no-cache-dir --no-compile --require-hashes -r requirements/image.txt
COPY pyproject.toml README.md LICENSE ./
COPY gateway ./gateway
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /opt/gateway/bin/pip install --no-compile --no-deps --no-index /wheels/*.whl \
 && /opt/gateway/bin/python -m compileall -q /opt/gateway/lib \
 && /opt/gateway/bin/pip uninstall --yes pip

FROM python:3.13-slim@sha256:70729b46c69b4f1e97c4822c1af3df53a1476cf5ddc6c087c0c10bc3a5678c2f
COPY --from=build /opt/gateway /opt/gateway
ENV PATH=/opt/gateway/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    GATEWAY_SERVER__HOST=0.0.0.0
USER 65532:65532
EXPOSE 8080
# The admin listener stays on the container's loopback unless it is given a token.
# The port is asked that process 1 serves at: by its file, its environment and its options.
HEALTHCHECK --interval=15s --timeout=5s --start-period=10s CMD ["gateway", "healthcheck", "--of", "1"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["gateway"]
CMD ["serve"]
