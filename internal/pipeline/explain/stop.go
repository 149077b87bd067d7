// Package explain says in words where an execution stands and what it waits for:
// the same words in check runs, comments, pages, the API and on the command line.
// Like the package beside which it stands it is pure. What it returns holds texts
// of people as they wrote them; whoever shows it makes them harmless.
package explain

// Stop says what becomes of what runs in an execution that is being stopped, and
// why it is.
func Stop(reason string, kills bool) string {
	text := "finishes what runs"
	if kills {
		text = "kills what runs"
	}
	if reason != "" {
		text += " (" + reason + ")"
	}
	return text
}
