package schema

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/stagegate/stagegate/internal/pipeline/cron"
)

// TestSchedulesCanBeKept asks that whoever keeps a schedule understands each that
// the language lets through.
func TestSchedulesCanBeKept(t *testing.T) {
	for zone := range strings.FieldsSeq(zones) {
		if _, err := cron.Parse("0 3 * * *", zone); err != nil {
			t.Error(err)
		}
	}
	parts := []string{"*", "?", "0", "7", "59", "1-5", "*/2", "5/10", "1,2,3", "JAN", "mon", "sun-sat", "31", "0-23/2", "12", "L", "*/90", "1-"}
	accepted := 0
	rapid.Check(t, func(t *rapid.T) {
		fields := rapid.SliceOfN(rapid.SampledFrom(parts), 5, 5).Draw(t, "fields")
		text := strings.Join(fields, " ")
		d, diagnostics := Parse("x.yaml", []byte("on: { schedule: [{ cron: \""+text+"\" }] }\n"+onlyStages))
		if len(diagnostics) > 0 {
			return
		}
		accepted++
		if _, err := cron.Parse(d.On.Schedules[0].Cron, d.On.Schedules[0].Timezone); err != nil {
			t.Fatal(err)
		}
	})
	if accepted == 0 {
		t.Error("nothing was accepted")
	}
}
