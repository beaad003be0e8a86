# docker build --build-arg VERSION="$(git describe --tags)" --build-arg COMMIT="$(git rev-parse --short=12 HEAD)" -t kcing .
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG VERSION
ARG COMMIT
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION} -X main.commit=${COMMIT}" -o /out/kcing ./cmd/kcing
# A named volume takes the owner of the folder it covers.
RUN mkdir /out/data

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/kcing /usr/local/bin/kcing
COPY --from=build --chown=65532:65532 /out/data /data
WORKDIR /data
USER 65532:65532
VOLUME /data
ENV KCING_DB=/data/kcing.db KCING_DATA=/data
# Where kcing serve listens; in a container the loopback would be of no use to anybody.
ENV KCING_BUILD_ADDR=:8337 KCING_LAVA_ADDR=:8338 KCING_BOOT_ADDR=:8007
EXPOSE 8337 8338 8007
# No HEALTHCHECK: feed and report would be called unhealthy. For serve: kcing healthcheck, as in compose.yaml.
ENTRYPOINT ["/usr/local/bin/kcing"]
