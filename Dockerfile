# The runtime's packages, each checked against its hash, in a folder of their own.
FROM python:3.13-slim AS packages
COPY requirements.lock /tmp/requirements.lock
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /tmp/requirements.lock

FROM python:3.13-slim
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin watcher
COPY --from=packages /venv /venv
COPY watcher /app/watcher
COPY workers /app/workers
COPY rules /app/rules
ENV PATH=/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
RUN python -m compileall -q /app
USER 10001
WORKDIR /config
ENTRYPOINT ["python", "-m", "watcher.cli"]
CMD ["--help"]
