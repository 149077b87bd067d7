package pipeline

import "strings"

// DockerHub is the registry of an image that names none.
const DockerHub = "docker.io"

// ImageHost is the host of the registry that an image comes from, as the engine
// understands its name: what stands before the first slash, if it looks like a host,
// else Docker Hub.
func ImageHost(image string) string {
	host, _, slash := strings.Cut(image, "/")
	switch {
	case !slash, !strings.ContainsAny(host, ".:") && host != "localhost" && host == strings.ToLower(host):
		return DockerHub
	case host == "index.docker.io":
		return DockerHub
	}
	return host
}
