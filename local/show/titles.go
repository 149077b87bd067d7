package show

import (
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/local"
)

// titles are what people call the actions of a run, by STAGE/ACTION.
type titles map[string]string

func titlesOf(b local.Beginning) titles {
	t := titles{}
	for _, s := range b.Stages {
		for i, title := range s.Titles {
			t[s.Stage+"/"+s.Actions[i]] = title
		}
	}
	return t
}

func titlesIn(d pipeline.Definition) titles {
	t := titles{}
	for _, s := range d.Stages {
		for _, a := range s.Actions {
			t[s.Name+"/"+a.Name] = a.Title()
		}
	}
	return t
}

// of is the title of an action, as a terminal may have it: the name of one that
// nothing is known of.
func (t titles) of(stage, action string) string {
	if title := t[stage+"/"+action]; title != "" {
		return clean(title)
	}
	return action
}
