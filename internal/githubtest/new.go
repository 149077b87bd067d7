package githubtest

// TB is the part of testing.TB that New needs.
type TB interface {
	Helper()
	Cleanup(f func())
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
	TempDir() string
}

// New starts a GitHub for a test, which closes it and fails with every
// violation that is left at its end.
func New(t TB, o Options) *GitHub {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	g, err := Start(o)
	if err != nil {
		t.Fatalf("start a GitHub: %v", err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Logf("close GitHub: %v", err)
		}
		for _, v := range g.Violations() {
			t.Errorf("GitHub would not have taken this: %s", v)
		}
	})
	return g
}
