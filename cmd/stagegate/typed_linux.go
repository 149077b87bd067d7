package main

import "golang.org/x/sys/unix"

// dropTyped forgets what was typed on a terminal and not read yet, so that it
// answers no question that came later.
func dropTyped(fd int) { _ = unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIFLUSH) }
