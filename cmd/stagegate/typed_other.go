//go:build !linux

package main

// dropTyped does nothing here.
func dropTyped(int) {}
