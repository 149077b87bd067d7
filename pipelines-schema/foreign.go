package schema

// foreign is what does the work of a key that other systems have and the
// language has not, or "". Some keys mean something else in each mapping.
func foreign(w where, key string) string {
	switch w {
	case inPipeline:
		if hint := foreignAtTop[key]; hint != "" {
			return hint
		}
	case inOn:
		if hint := foreignEvents[key]; hint != "" {
			return hint
		}
	case inAction:
		if hint := foreignInAction[key]; hint != "" {
			return hint
		}
	}
	return foreignKeys[key]
}

var foreignAtTop = map[string]string{
	"agent":          "write image at each action",
	"env":            "declare it in variables, and name it in env of the actions that use it",
	"image":          "write image at each action: each runs in a container of its own",
	"pipeline":       "write stages, and the steps as their actions",
	"resources":      "the repository of this file is the source; on says what starts the pipeline",
	"services":       "write services at the action that talks to them",
	"stage":          "write stages: a list of name and actions",
	"steps":          "write stages, and the steps as their actions",
	"tasks":          "write stages, and the tasks as their actions",
	"workflow":       "write on: it says what starts the pipeline",
	"workflows":      "write stages in their order: each begins when the one before has succeeded",
	"resource_types": "an action runs a script in a container: write image and run",
}

var foreignEvents = map[string]string{
	"workflow_dispatch":   "a person starts a pipeline without a trigger",
	"manual":              "a person starts a pipeline without a trigger",
	"repository_dispatch": "webhook, which stands for it, is not supported yet",
	"workflow_run":        "pipeline, which stands for it, is not supported yet",
	"workflow_call":       "a pipeline is not called by another",
	"pull_request_target": "write pull_request: a pull request from a fork runs the base branch's file",
	"merge_request":       "write pull_request",
	"cron":                "schedule, which stands for it, is not supported yet",
	"tag":                 "tags below push, which stands for it, is not supported yet",
}

var foreignInAction = map[string]string{
	"tags":        "an action runs on any runner",
	"stage":       "an action belongs to the stage whose actions list it",
	"environment": "write it at the stage, as the name of what is deployed to; variables of the script stand in env",
	"label":       "write name",
	"job":         "write name",
}

var foreignKeys = map[string]string{
	"jobs":              "a pipeline has stages, and a stage has actions",
	"steps":             "an action runs one script: write its lines in run",
	"runs-on":           "write image: the container the script runs in",
	"uses":              "an action runs a script in a container: write image and run",
	"container":         "write image",
	"working-directory": "use cd in run; a script starts in the first of its inputs",
	"permissions":       "a container is given no GitHub token",
	"concurrency":       "a stage lets one execution of a branch in at a time",
	"defaults":          "write shell and env at each action",
	"strategy":          "matrix, which stands for it, is not supported yet",
	"outputs":           `a script writes key=value lines to "$STAGEGATE_OUTPUT"`,
	"id":                "an action is known by its name",
	"timeout":           "write timeout-minutes",
	"branch":            "write branches",
	// GitLab CI
	"script":        "write run: | and the lines of the script",
	"before_script": "write its lines first in run",
	"after_script":  "finally, which stands for it, is not supported yet",
	"only":          "write branches under on.push",
	"except":        "write branches under on.push, with ! in front of what to leave out",
	"rules":         "if, which stands for it, is not supported yet",
	"when":          "an action runs when its needs have succeeded; if is not supported yet",
	"cache":         "nothing is kept between executions: pass artifacts from action to action",
	"dependencies":  "write inputs: the artifacts to unpack",
	"allow_failure": "continue-on-error, which stands for it, is not supported yet",
	"include":       "a pipeline is one file",
	"extends":       "write the keys out, or use a YAML alias for a whole value",
	"default":       "write its keys at each action",
	// Woodpecker, Drone, CircleCI, Buildkite
	"commands":           "write run: | and the lines of the script",
	"command":            "write run",
	"settings":           "write env",
	"depends_on":         "write needs",
	"trigger":            "write on",
	"kind":               "leave it out: the file is a pipeline",
	"type":               "leave it out: an action with image and run runs in a container",
	"clone":              "the commit's tree is the artifact source, which is unpacked without being asked for",
	"workspace":          "a script starts in the first of its inputs",
	"volumes":            "pass artifacts from action to action",
	"privileged":         "no container is privileged",
	"pull":               "an image is pulled when it is missing",
	"docker":             "write image",
	"orbs":               "an action runs a script in a container: write image and run",
	"version":            "leave it out: there is one version of the language",
	"agents":             "an action runs on any runner",
	"plugins":            "an action runs a script in a container: write image and run",
	"artifact_paths":     "write artifacts: { NAME: path }",
	"timeout_in_minutes": "write timeout-minutes",
	// Azure Pipelines, Concourse, Jenkins
	"pool":             "write image: the container the script runs in",
	"vmImage":          "write image: the container the script runs in",
	"displayName":      "write name",
	"dependsOn":        "write needs",
	"condition":        "if, which stands for it, is not supported yet",
	"task":             "an action runs a script in a container: write image and run",
	"bash":             "write run, and shell: bash",
	"pr":               "write pull_request under on",
	"timeoutInMinutes": "write timeout-minutes",
	"plan":             "write actions",
	"get":              "write inputs: the artifacts to unpack",
	"put":              "an action runs a script in a container: write image and run",
	"passed":           "a stage begins when the one before has succeeded",
	"config":           "write its keys at the action",
	"sh":               "write run",
	"post":             "finally, which stands for it, is not supported yet",
	"environment":      "environment names a deployment target; variables of the script stand in env",
	"parameters":       "write variables",
	"options":          "write timeout-minutes at each action",
	"input":            "write an action with approval",
}
