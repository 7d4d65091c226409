# simsticky in a container: docker run --rm -v "$PWD:/repository" simsticky run scenario.yaml
# Every part it depends on comes as a wheel, so neither stage holds a compiler.
FROM python:3.12-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY simsticky ./simsticky
COPY scenarios ./scenarios
# Without pip in it: nothing is installed later.
RUN python -m venv --without-pip /opt/simsticky
RUN python -m pip --python /opt/simsticky/bin/python install --no-cache-dir --disable-pip-version-check '.[fast]'
# The engine compiled once, for any processor of this kind and not for the one that builds the image.
ENV NUMBA_CPU_NAME=generic \
    SIMSTICKY_CACHE_DIR=/opt/simsticky/engine
RUN /opt/simsticky/bin/python -c "from simsticky.engines import have_compiled; have_compiled()"

FROM python:3.12-slim
# git reads what `check --baseline git:REF` is held against; the mounted directory may be another user's.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git \
    && rm -rf /var/lib/apt/lists/* \
    && git config --system --add safe.directory '*'
COPY --from=build /opt/simsticky /opt/simsticky
# The home directory need not be writable, nor anything but /tmp: there the compiled engine is copied before it is used.
ENV PATH=/opt/simsticky/bin:$PATH \
    NUMBA_CPU_NAME=generic \
    SIMSTICKY_CACHE_DIR=/opt/simsticky/engine \
    MPLCONFIGDIR=/tmp/matplotlib \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /repository
ENTRYPOINT ["simsticky"]
CMD ["--help"]
