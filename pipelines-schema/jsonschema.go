package schema

import _ "embed"

//go:embed pipeline.schema.json
var jsonSchema string

// JSONSchema is the language as a JSON Schema (draft 2020-12), with which
// editors complete and check pipeline files. It describes all of the language:
// what is not supported yet is marked x-stagegate-later. It accepts every file
// that Parse does, and many that Parse refuses: it knows shapes, not what names
// stand for.
func JSONSchema() string { return jsonSchema }
