package schema

import "github.com/stagegate/stagegate/internal/pipeline/expression"

// habit translates the names of GitHub Actions.
func habit(name expression.Name) string {
	last := name[len(name)-1]
	switch name[0] {
	case "github":
		if last == "token" {
			return "no token of GitHub is given: list a secret under secrets of the action"
		}
		if ours := githubName(name); ours != nil {
			return "write " + ours.String()
		}
		return "source and execution hold what is known of an event"
	case "env":
		return "the environment is not read in expressions: declare it in variables"
	case "vars", "inputs":
		return "declare it in variables and write variables.NAME"
	case "secrets":
		return "list it under secrets of the action: the script finds it in its environment"
	case "runner":
		return "an action runs in a container of Linux, and knows nothing of the machine"
	case "steps", "needs", "jobs", "outputs":
		if last == "outcome" || last == "conclusion" || last == "result" {
			return "success() and failure() in if tell how the actions before ended"
		}
		return "an output is called STAGE.ACTION.KEY"
	}
	return ""
}

// githubName is our name for a value of GitHub Actions, or nil.
func githubName(name expression.Name) expression.Name {
	switch name.String() {
	case "github.sha":
		return expression.Name{"source", "commit"}
	case "github.ref":
		return expression.Name{"source", "ref"}
	case "github.ref_name", "github.head_ref":
		return expression.Name{"source", "branch"}
	case "github.repository":
		return expression.Name{"source", "repository"}
	case "github.event.number", "github.event.pull_request.number":
		return expression.Name{"source", "pull_request"}
	case "github.event.pull_request.head.repo.fork":
		return expression.Name{"source", "fork"}
	case "github.event.head_commit.message":
		return expression.Name{"source", "message"}
	case "github.actor", "github.triggering_actor":
		return expression.Name{"execution", "actor"}
	case "github.event_name":
		return expression.Name{"execution", "trigger"}
	case "github.run_id":
		return expression.Name{"execution", "id"}
	case "github.run_number":
		return expression.Name{"execution", "number"}
	}
	return nil
}
