// Package githubtest is a GitHub that runs on this machine: the REST API of a
// GitHub App, signed webhooks, git's smart HTTP protocol and downloads of Git
// LFS, for tests and the demo.
//
// It is honest. Every request is held to GitHub's own description of its API
// (openapi.json) and to GitHub's rules beyond it; one that GitHub would not
// take is refused as GitHub refuses, and kept as a Violation. What the
// description has and this package has not is a violation too, so nobody can
// lean on an answer that was made up. Repositories are real git repositories:
// archives, merges, diffs and pushes are git's own.
//
// World-building methods take the login of who does it; a login that is not
// known joins as a user. They return an error where GitHub would refuse a
// person (no such branch, a conflict, a button that is not there) and panic
// where the caller wrote nonsense (a repository without an owner, an issue
// that never was).
//
// It must not import package testing, which would put its flags into the
// binary, nor anything of Stagegate or a client of GitHub: what it knows of
// GitHub comes from GitHub's description.
package githubtest
