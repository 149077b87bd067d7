// Package pipeline is the pure ground of Stagegate: what a pipeline is, what an
// execution of it may do next, and who may be inside a stage. It does no I/O,
// reads no clock, draws no ids and never depends on map order, so the same
// events always give the same state. It imports nothing of this project but
// its own subpackages.
//
// # Words
//
//   - pipeline: an ordered list of stages, defined by one file at a commit
//   - stage: a boundary with a lock; its check run is PIPELINE / STAGE
//   - action: one task in a stage, a container run or an approval
//   - artifact: an immutable tree or file, named in the pipeline, kept by digest
//   - execution: one run of one pipeline for one revision
//   - revision: the commit, with its ref and pull request, an execution is about
//   - trigger: what started an execution
//   - lane: what executions of a pipeline compete on: a branch or a pull request
//   - lock: lets one execution of a lane into a stage at a time
//   - job: one action execution handed to a runner under a lease
//   - approval: a gate opened by named people, bound to what they were shown
package pipeline
