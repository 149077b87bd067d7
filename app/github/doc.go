// Package github is how Stagegate hears and answers GitHub: Decode turns a
// webhook delivery into an Event, and Client reads commits, files, pull
// requests and permissions and writes check runs, comments and reactions.
//
// It is the only importer of go-github and ghinstallation; no type of theirs
// is in its signatures. It decides nothing about pipelines and retries
// nothing: an error says through ErrUnavailable or RateLimited that the
// caller's job queue may try again. It must not import another adapter.
package github
