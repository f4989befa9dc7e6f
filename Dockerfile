# docker build -t syncd .
# docker run --env-file syncd.env -v syncd-media:/var/lib/syncd/media syncd

FROM python:3.13-slim AS build
WORKDIR /src
COPY requirements/build.txt requirements/run.txt requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/build.txt
RUN python -m venv /opt/syncd \
 && /opt/syncd/bin/pip install --no-cache-dir --require-hashes -r requirements/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY migrations migrations
COPY syncd syncd
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /opt/syncd/bin/pip install --no-deps --no-index /wheels/*.whl

FROM python:3.13-slim
# The number is fixed, so that the files on a volume keep their owner over new images.
RUN groupadd --gid 10001 syncd \
 && useradd --uid 10001 --gid 10001 --home-dir /var/lib/syncd --no-create-home --shell /usr/sbin/nologin syncd \
 && install --directory --owner=syncd --group=syncd --mode=0700 /var/lib/syncd /var/lib/syncd/media
COPY --from=build /opt/syncd /opt/syncd
ENV PATH=/opt/syncd/bin:$PATH PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /var/lib/syncd
VOLUME /var/lib/syncd/media
STOPSIGNAL SIGTERM
ENTRYPOINT ["syncd"]
CMD ["run"]
