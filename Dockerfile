# A small image: the binary, the CA certificates and two folders.
#
# Stagegate runs actions in containers, so it needs a Docker Engine: mount its
# socket and add the group that owns the socket on this machine:
#
#   docker run -p 8080:8080 -v stagegate:/data \
#     -v /var/run/docker.sock:/var/run/docker.sock \
#     --group-add "$(stat -c %g /var/run/docker.sock)" \
#     --env-file stagegate.env stagegate/stagegate
#
# Whoever may use that socket is root on the machine; DOCKER_HOST can name an
# engine of its own on another one instead.

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
# Static although SQLite is C: the last stage has no C library. Without netgo and
# osusergo, and with loadable extensions, the linker would still want one.
RUN CGO_ENABLED=1 go build -buildvcs=false -trimpath \
      -tags netgo,osusergo,sqlite_omit_load_extension \
      -ldflags "-s -w -linkmode external -extldflags -static -X main.version=$VERSION" \
      -o /out/stagegate ./cmd/stagegate
RUN mkdir -p /folders && mkdir -m 0700 /folders/data && mkdir -m 1777 /folders/tmp

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build --chown=10001:10001 /folders/ /
COPY --from=build /out/stagegate /stagegate
ENV STAGEGATE_DATA=/data STAGEGATE_LISTEN=0.0.0.0:8080
USER 10001:10001
VOLUME /data
EXPOSE 8080
ENTRYPOINT ["/stagegate"]
CMD ["serve"]
