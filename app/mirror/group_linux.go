package mirror

import "syscall"

// ownGroup puts git and its children into a group of their own, which can be
// killed whole, and ends git with this process.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
