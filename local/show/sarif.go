package show

import (
	"net/url"
	"path"

	"github.com/stagegate/stagegate/local"
	schema "github.com/stagegate/stagegate/pipelines-schema"
)

// SARIF 2.1.0, as much of it as code scanning reads.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		Invocations []sarifInvocation `json:"invocations"`
		ColumnKind  string            `json:"columnKind"`
		Results     []sarifResult     `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		Version        string      `json:"version"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string    `json:"id"`
		ShortDescription sarifText `json:"shortDescription"`
		FullDescription  sarifText `json:"fullDescription"`
		HelpURI          string    `json:"helpUri"`
	}
	sarifInvocation struct {
		ExecutionSuccessful bool `json:"executionSuccessful"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI  string `json:"uri"`
		Base string `json:"uriBaseId,omitempty"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn"`
	}
)

// home is where the project tells about itself.
const home = "https://github.com/stagegate/stagegate"

// mistakeRule is the one rule there is: a pipeline file has no mistakes.
var mistakeRule = sarifRule{
	ID:               "pipeline-file",
	ShortDescription: sarifText{"Mistake in a pipeline file"},
	FullDescription:  sarifText{"A pipeline file with a mistake runs nothing until it is put right."},
	HelpURI:          home + "/blob/main/docs/pipelines.md",
}

// sarif is the findings as one run of a tool.
func sarif(found local.Findings, version string) sarifLog {
	results := make([]sarifResult, len(found.Mistakes))
	for i, d := range found.Mistakes {
		results[i] = sarifMistake(d)
	}
	return sarifLog{
		Schema:  "https://json.schemastore.org/sarif-2.1.0.json",
		Version: "2.1.0",
		Runs: []sarifRun{{
			Tool:        sarifTool{sarifDriver{Name: "Stagegate", Version: version, InformationURI: home, Rules: []sarifRule{mistakeRule}}},
			Invocations: []sarifInvocation{{ExecutionSuccessful: len(found.Unread) == 0}},
			ColumnKind:  "unicodeCodePoints",
			Results:     results,
		}},
	}
}

func sarifMistake(d schema.Diagnostic) sarifResult {
	text := d.Message
	if d.Hint != "" {
		text += " (" + d.Hint + ")"
	}
	return sarifResult{
		RuleID: mistakeRule.ID, Level: "error", Message: sarifText{text},
		Locations: []sarifLocation{{sarifPhysical{
			Artifact: sarifFile(d.File),
			Region:   sarifRegion{StartLine: d.Line, StartColumn: d.Column},
		}}},
	}
}

// sarifFile names a file: below the root of the repository, which code scanning
// knows, or else on this machine.
func sarifFile(name string) sarifArtifact {
	if path.IsAbs(name) {
		return sarifArtifact{URI: (&url.URL{Scheme: "file", Path: name}).String()}
	}
	return sarifArtifact{URI: (&url.URL{Path: name}).String(), Base: "%SRCROOT%"}
}
