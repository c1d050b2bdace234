# The project's image: every role of the worker, and the `heatsteer` command. docs/operations.md says what was tried.

FROM python:3.13-slim AS build
WORKDIR /build
COPY requirements/runtime.txt requirements/dev.txt requirements/
RUN python -m venv /opt/heatsteer \
 && /opt/heatsteer/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps -r requirements/runtime.txt
# The build backend by its pin and hashes too; it does not stay.
RUN awk '/^setuptools==/ { on = 1 } on { print; if ($0 !~ /\\$/) exit }' requirements/dev.txt > requirements/build.txt \
 && /opt/heatsteer/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps -r requirements/build.txt
COPY . .
RUN /opt/heatsteer/bin/pip install --no-cache-dir --disable-pip-version-check --no-build-isolation --no-deps . \
 && /opt/heatsteer/bin/pip uninstall --yes setuptools \
 && cp ops/worker_health.py /opt/heatsteer/worker_health.py

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin heatsteer
COPY --from=build /opt/heatsteer /opt/heatsteer
ENV PATH=/opt/heatsteer/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# The planner's compiled loops: made here for this processor, made anew in the same place where another one runs them.
ENV NUMBA_CACHE_DIR=/var/cache/heatsteer
RUN install -d -o heatsteer /var/cache/heatsteer
WORKDIR /opt/heatsteer
USER heatsteer
RUN python -m optimizer.warm_up
CMD ["python", "-m", "worker", "--role", "all"]
