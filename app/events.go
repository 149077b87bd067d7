package app

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// What an event would start, as its triggers are asked: of whatever pipeline, by
// whatever file. The rest of it is found out once something starts.

func ofPush(repo github.Repository, e github.Push) pipeline.Execution {
	return pipeline.Execution{
		Repository: repo.String(), RepositoryID: repo.ID, Lane: e.Ref, Trigger: pipeline.Push, Actor: e.Sender,
		Revision: pipeline.Revision{
			Commit: cmp.Or(e.Commit, e.After), Time: e.Time, Ref: e.Ref, Branch: e.Branch,
			Message: e.Message, Author: e.Author, Authors: e.Authors,
		},
	}
}

func ofPull(repo github.Repository, e github.PullRequest) pipeline.Execution {
	return pipeline.Execution{
		Repository: repo.String(), RepositoryID: repo.ID, Lane: pullLane(e), Trigger: pipeline.PullRequest, Activity: e.Action, Actor: e.Sender,
		Revision: pipeline.Revision{
			Commit: e.Head, Ref: fmt.Sprintf("refs/pull/%d/head", e.Number), Branch: e.Branch, Base: e.Base,
			PullRequest: e.Number, Fork: e.Fork, Authors: lowerSet(e.User, e.Sender),
		},
	}
}

func ofGroup(repo github.Repository, e github.MergeGroup) pipeline.Execution {
	return pipeline.Execution{
		Repository: repo.String(), RepositoryID: repo.ID, Lane: e.Ref, Trigger: pipeline.MergeGroup, Activity: e.Action, Actor: e.Sender,
		Revision: pipeline.Revision{
			Commit: e.Head, Ref: e.Ref, Branch: strings.TrimPrefix(e.Ref, "refs/heads/"), Base: e.Base, Authors: lowerSet(e.Sender),
		},
	}
}

// nothing says why a push is none that could start a pipeline, or is empty.
func nothing(e github.Push) string {
	switch {
	case e.Deleted, none(e.After):
		return e.Ref + " was deleted"
	case e.Branch == "" && e.Tag == "":
		return e.Ref + " is neither a branch nor a tag"
	case e.Before == e.After, e.Message == "" && e.Time.IsZero() && e.Commits == 0: // no head commit
		return "the push to " + e.Ref + " changes nothing"
	}
	return ""
}
