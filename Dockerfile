# syntax=docker/dockerfile:1
# Two environments are made: one with torch, which exports the embedding model and indexes the sample articles, and one
# without, which is all that the image keeps.
FROM python:3.11-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# An index with torch built for processors alone saves this stage several GB: --build-arg TORCH_INDEX=https://...
ARG TORCH_INDEX=""
WORKDIR /src
RUN python -m venv /opt/export && python -m venv /opt/backbot

COPY pyproject.toml README.md LICENSE ./
COPY deploy/serving_requirements.py deploy/
RUN python deploy/serving_requirements.py > serving.txt && /opt/backbot/bin/pip install -r serving.txt
RUN /opt/export/bin/pip install ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} torch==2.13.0

COPY src src
COPY prompts prompts
COPY corpus corpus
RUN /opt/export/bin/pip install . \
 && /opt/backbot/bin/pip install --no-deps . \
 && /opt/backbot/bin/pip uninstall --yes pip
RUN BACKBOT_MODEL_CACHE=/opt/models BACKBOT_INDEX=/var/lib/backbot/index /opt/export/bin/backbot ingest corpus

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /var/lib/backbot --no-create-home --shell /usr/sbin/nologin backbot
COPY --from=build /opt/backbot /opt/backbot
COPY --from=build /opt/models /opt/models
COPY --from=build --chown=backbot:backbot /var/lib/backbot /var/lib/backbot
ENV PATH=/opt/backbot/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HF_HUB_OFFLINE=1 \
    BACKBOT_INDEX=/var/lib/backbot/index \
    BACKBOT_MODEL_CACHE=/opt/models \
    BACKBOT_LOG=json
USER backbot
WORKDIR /var/lib/backbot
# The index lives here: a new generation is written beside the live one, and Chroma opens its files for writing.
VOLUME /var/lib/backbot
EXPOSE 7860
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/readyz', timeout=4)"]
ENTRYPOINT ["backbot"]
CMD ["serve", "--host", "0.0.0.0"]
