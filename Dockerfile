# The operator and its agents, one image. Builds wherever BASE_IMAGE has python3 (>= 3.11) with venv.
ARG BASE_IMAGE=docker.io/library/python:3.13-slim

FROM ${BASE_IMAGE} AS build
ARG PIP_OPTIONS=""
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python3 -m venv /opt/gameday
COPY requirements.txt /src/
RUN /opt/gameday/bin/pip install ${PIP_OPTIONS} --require-hashes --requirement /src/requirements.txt
COPY operator/gameday/ /src/gameday/
# The package is plain Python: it is copied, not built, so that a change costs one layer.
RUN cp -r /src/gameday "$(/opt/gameday/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/" \
 && printf '#!/opt/gameday/bin/python\nfrom gameday.cli.main import app\napp()\n' > /opt/gameday/bin/gameday \
 && chmod 755 /opt/gameday/bin/gameday \
 && /opt/gameday/bin/python -m compileall -q /opt/gameday/lib

FROM ${BASE_IMAGE}
COPY --from=build /opt/gameday /opt/gameday
ENV PATH=/opt/gameday/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 65532:65532
ENTRYPOINT ["gameday"]
