# The operator and its agents, one image: python, its libraries, our packages, and nothing that could start a shell.
#
# The last stage starts from nothing and takes what operator/image/closure.py gathered from the base image. A ready-made
# image without a shell would bring a python of its own, which must fit the wheels that the build stage chose for its
# own; this way there is one python, and any BASE_IMAGE serves that has python3 (>= 3.11) with venv, glibc and
# ca-certificates. To pin a newer base, take the digest that `docker buildx imagetools inspect IMAGE:TAG` prints first.
ARG BASE_IMAGE=docker.io/library/python:3.13.15-slim-trixie@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b

FROM ${BASE_IMAGE} AS dependencies
ARG PIP_OPTIONS=""
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
# pip stands in an environment of its own, so that what it installs is all there is in ours.
RUN python3 -m venv /opt/pip && python3 -m venv --without-pip /opt/gameday
COPY requirements.txt /src/
RUN /opt/pip/bin/pip --python /opt/gameday/bin/python install ${PIP_OPTIONS} --no-compile --only-binary=:all: \
      --require-hashes --requirement /src/requirements.txt
COPY operator/image/closure.py /src/
RUN /opt/gameday/bin/python /src/closure.py /image

# The package is plain Python: it is copied, not built, and alone, so that a change costs one small layer.
FROM dependencies AS package
COPY operator/gameday/ /src/gameday/
RUN packages=$(/opt/gameday/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') \
 && mkdir -p "/package$packages" /package/opt/gameday/bin && cp -r /src/gameday "/package$packages/" \
 && printf '#!/opt/gameday/bin/python\nfrom gameday.cli.main import app\napp()\n' > /package/opt/gameday/bin/gameday \
 && chmod 755 /package/opt/gameday/bin/gameday \
 && /opt/gameday/bin/python -m compileall -q -s /package -p / --invalidation-mode unchecked-hash /package

FROM scratch AS image
COPY --from=dependencies /image /
COPY --from=package /package /
ENV PATH=/opt/gameday/bin LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 65532:65532
ENTRYPOINT ["gameday"]

# Every module loads with what is there, or there is no image. A stage of its own, since builders leave traces of a RUN.
FROM image AS checked
RUN ["python3", "-c", "import gameday, importlib, pkgutil; [importlib.import_module(m.name) for m in pkgutil.walk_packages(gameday.__path__, 'gameday.')]"]

FROM image
# What registries and scanners show of an image. A test compares it with pyproject.toml and LICENSE. `make image` says the
# version and the revision; who publishes the image says where its source and its pages are. What nobody says stays empty.
ARG VERSION=""
ARG REVISION=""
ARG SOURCE=""
ARG DOCUMENTATION=""
LABEL org.opencontainers.image.title="gameday" \
      org.opencontainers.image.description="Game days for Kubernetes: rehearse failures, prove them, put everything back, leave a verdict" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.documentation="${DOCUMENTATION}"
# It is there already: a stage that nothing is taken from would not be built, and nothing checked.
COPY --from=checked /opt/gameday/bin/gameday /opt/gameday/bin/gameday
