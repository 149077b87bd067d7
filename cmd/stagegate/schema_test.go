package main

import (
	"bytes"
	"encoding/json"
	"testing"
)

func TestSchemaCommand(t *testing.T) {
	var out bytes.Buffer
	cmd := root()
	cmd.SetOut(&out)
	cmd.SetArgs([]string{"schema"})
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	var printed struct {
		ID string `json:"$id"`
	}
	if err := json.Unmarshal(out.Bytes(), &printed); err != nil || printed.ID == "" {
		t.Errorf("printed %d bytes, $id %q: %v", out.Len(), printed.ID, err)
	}
}
