# syntax=docker/dockerfile:1
# Small, non-root, fit for a read-only root file system: nothing is written at run time.
#
#   docker build -t endpoint-gateway .
#   docker run --read-only -p 8080:8080 -e GATEWAY_SERVER__HOST=0.0.0.0 endpoint-gateway

FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY gateway ./gateway
RUN python -m venv /opt/gateway \
 && /opt/gateway/bin/pip install --no-cache-dir --no-compile . \
 && /opt/gateway/bin/python -m compileall -q /opt/gateway/lib \
 && /opt/gateway/bin/pip uninstall --yes pip

FROM python:3.13-slim
COPY --from=build /opt/gateway /opt/gateway
ENV PATH=/opt/gateway/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    GATEWAY_SERVER__HOST=0.0.0.0
USER 65532:65532
EXPOSE 8080
# The admin listener stays on the container's loopback unless it is given a token.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD \
    ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:%s/healthz' % os.environ.get('GATEWAY_SERVER__PORT', '8080'), timeout=2)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["gateway"]
CMD ["serve"]
