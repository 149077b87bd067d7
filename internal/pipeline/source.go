package pipeline

// Source says what the source artifact holds. Its zero value is the commit's
// tree and nothing else.
type Source struct {
	Clone      bool // the tree is a clone, with its .git
	Depth      int  // commits of history in it; zero is all
	Submodules Submodules
	LFS        bool // files of Git LFS stand there in place of their pointers
}

// Submodules says which of them a clone has.
type Submodules string

const (
	// NoSubmodules leaves empty folders in their place.
	NoSubmodules Submodules = ""
	// OwnSubmodules are those of the repository itself.
	OwnSubmodules Submodules = "own"
	// AllSubmodules are theirs too.
	AllSubmodules Submodules = "all"
)
