# The base with the packages that the Dockerfiles install, for an engine without network.
ARG FROM
FROM ${FROM}
ARG NPM_OFFLINE=""
COPY wheels /wheels
COPY npm /npm
ENV PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels NPM_CONFIG_CACHE=/npm NPM_CONFIG_OFFLINE=${NPM_OFFLINE}
