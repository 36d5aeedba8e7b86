# syntax=docker/dockerfile:1
# One image that runs alone: the service, and a real redis-server that it
# starts itself unless REDIS_URL names another. It serves everybody who reaches
# it, so it wants API_KEY, or AUTH_DISABLED=true.

ARG DEBIAN=bookworm

FROM golang:1.26-${DEBIAN} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /out/app .
RUN install -d -m 0700 /out/data

FROM debian:${DEBIAN}-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates redis-server libturbojpeg0 \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/app /usr/local/bin/app
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
ENV DATA_DIR=/data SERVER_HOST=0.0.0.0
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["app", "health"]
ENTRYPOINT ["app"]
CMD ["serve"]
