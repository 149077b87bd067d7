package config_test

import (
	"slices"
	"testing"

	"github.com/stagegate/stagegate/config"
)

func TestAllow(t *testing.T) {
	const rules = `
# who              what
acme/builder       privileged docker-socket network=host
ACME/*             cap-add=SYS_PTRACE volumes=/srv/cache volumes=/etc/ssl:ro devices=/dev/nvidia* # for all
other/x; acme/gpu  runtime=nvidia`
	environ := required("STAGEGATE_ALLOW=" + rules[:len(rules)-len("other/x; acme/gpu  runtime=nvidia")] + "other/x runtime=nvidia;acme/gpu runtime=nvidia")
	allow := mustLoad(t, environ, nil).Allow
	for repository, options := range map[string]map[string]bool{
		"acme/builder": {
			"privileged": true, "docker-socket": true, "network=host": true, "cap-add=SYS_PTRACE": true,
			"cap-add=SYS_ADMIN": false, "runtime=nvidia": false, "runtime=runsc": true,
		},
		"Acme/Shop": {
			"privileged": false, "docker-socket": false, "cap-add=SYS_PTRACE": true, "volumes=/srv/cache": true,
			"volumes=/srv/cache:ro": true, "volumes=/srv/cache/below": false, "volumes=/srv": false, "volumes=/etc/ssl:ro": true,
			"volumes=/etc/ssl": false, "devices=/dev/nvidia0": true, "devices=/dev/nvidia/x": false, "devices=/dev/kvm": false,
		},
		"acme/gpu":     {"runtime=nvidia": true, "runtime=runc": false},
		"evil/acme":    {"cap-add=SYS_PTRACE": false, "runtime=nvidia": false},
		"acme/x/y":     {"cap-add=SYS_PTRACE": false},
		"other/x":      {"runtime=nvidia": true},
		"acme.evil/be": {"volumes=/srv/cache:ro": false},
	} {
		for option, want := range options {
			if refused := allow.Refused(repository, []string{option}); slices.Contains(refused, option) == want {
				t.Errorf("%s: %s is refused: %v", repository, option, refused)
			}
		}
	}
	var none config.Allow
	if refused := none.Refused("acme/shop", []string{"privileged", "runtime=kata"}); !slices.Equal(refused, []string{"privileged"}) {
		t.Errorf("%v", refused)
	}
}
