//go:build unix && !linux

package mirror

import "syscall"

// ownGroup puts git and its children into a group of their own, which can be
// killed whole.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
