# syntax=docker/dockerfile:1
# Two images of one code base: `runtime` (shop, fds, migrations) and `loadtest`, the same with traffic generators on top.
#   docker build --target runtime -t fastapi-reference-stack .
ARG PYTHON=python:3.13-slim
FROM ghcr.io/astral-sh/uv:0.13.8 AS uv

# Packages first: they change seldom, and code on top of them often.
FROM ${PYTHON} AS packages
COPY --from=uv /uv /bin/uv
ENV UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_PYTHON_DOWNLOADS=never
RUN python -m venv --without-pip /opt/venv
COPY requirements.lock /
RUN --mount=type=cache,target=/root/.cache/uv \
    uv pip install --python /opt/venv/bin/python --require-hashes -r /requirements.lock \
    && rm -r /opt/venv/lib/python3.*/site-packages/sqlalchemy/testing \
        /opt/venv/lib/python3.*/site-packages/alembic/testing

FROM packages AS loadtest-packages
COPY requirements-loadtest.lock /
RUN --mount=type=cache,target=/root/.cache/uv \
    uv pip install --python /opt/venv/bin/python --require-hashes -r /requirements-loadtest.lock

# Bytecode is made here, because the file system is read-only later.
FROM ${PYTHON} AS code
WORKDIR /app
COPY service service
RUN python -m compileall -q service
COPY loadtest /loadtest/loadtest
RUN python -m compileall -q /loadtest

FROM ${PYTHON} AS product
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="fastapi-reference-stack" \
    org.opencontainers.image.description="FastAPI service template: shop and fraud detection with error metrics" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}"
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# A volume that is mounted here belongs, from the start, to whoever makes secrets and to the group that reads them.
RUN install -d -o 10001 -g 20001 -m 2750 /secrets
WORKDIR /app
USER 10001:10001
ENTRYPOINT ["python", "-m"]

FROM product AS loadtest
COPY --from=loadtest-packages /opt/venv /opt/venv
COPY --from=code /app /app
COPY --from=code /loadtest /app
CMD ["loadtest.demo", "--help"]

FROM product AS runtime
COPY --from=packages /opt/venv /opt/venv
COPY --from=code /app /app
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --start-interval=1s --retries=3 \
    CMD ["python", "-m", "service.tools.healthcheck"]
CMD ["service", "serve", "--host", "0.0.0.0"]
