package api

// Routes lists every route as METHOD PATH, for the test that holds them to the
// description.
func Routes() []string {
	var all []string
	for _, r := range routes() {
		all = append(all, r.method+" "+r.path)
	}
	return all
}
