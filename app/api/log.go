package api

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// EndedHeader tells with "true" that the log will not grow any more and that this
// answer has all of it from its offset on.
const EndedHeader = "Stagegate-Log-Ended"

const (
	mostWait = 30 // seconds
	lookWait = 200 * time.Millisecond
)

// log answers with the log from an offset on. When there is nothing yet, it waits
// for so many seconds until there is, or until the log has ended.
func (s *server) log(w http.ResponseWriter, r *http.Request) error {
	if err := parameters(r, "attempt", "offset", "wait"); err != nil {
		return err
	}
	offset, err := number(r, "offset", 0, 1<<40, 0)
	if err != nil {
		return err
	}
	wait, err := number(r, "wait", 0, mostWait, 0)
	if err != nil {
		return err
	}
	until := time.Now().Add(time.Duration(wait) * time.Second)
	for {
		more := wait > 0 && time.Now().Before(until)
		done, err := s.sendLog(w, r, int64(offset), more)
		if done || err != nil {
			return err
		}
		select {
		case <-r.Context().Done():
			return r.Context().Err()
		case <-time.After(lookWait):
		}
	}
}

// sendLog sends what there is of the log behind the offset. It is not done, and
// has sent nothing, where there is nothing and more may come.
func (s *server) sendLog(w http.ResponseWriter, r *http.Request, offset int64, more bool) (done bool, err error) {
	id, ended, err := s.job(r) // before the log is read: what ended then is whole
	if err != nil {
		return false, err
	}
	from, err := s.openLog(r, id, offset)
	if err != nil {
		return false, err
	}
	defer from.Close()
	text := bufio.NewReaderSize(from, 64<<10)
	if _, err := text.Peek(1); err != nil && !errors.Is(err, io.EOF) {
		return false, fmt.Errorf("read the log of job %s: %w", id, err)
	} else if err != nil && more && !ended {
		return false, nil
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set(EndedHeader, strconv.FormatBool(ended))
	if r.Method == http.MethodHead {
		return true, nil
	}
	return true, s.stream(r, w, text)
}

// openLog opens a log at an offset; what does not exist yet is empty. Of one that grows
// it is what there is now: whoever wants more asks again, and may no longer be let in.
func (s *server) openLog(r *http.Request, id pipeline.JobID, offset int64) (io.ReadCloser, error) {
	from, err := s.Executions.Log(r.Context(), id)
	if from == nil || err != nil {
		return http.NoBody, err
	}
	size := int64(math.MaxInt64)
	if seeker, ok := from.(io.Seeker); ok {
		if size, err = seeker.Seek(0, io.SeekEnd); err == nil {
			_, err = seeker.Seek(offset, io.SeekStart)
		}
	} else if _, err = io.CopyN(io.Discard, from, offset); errors.Is(err, io.EOF) {
		err = nil
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("find offset %d in the log of job %s: %w", offset, id, err), from.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(from, size-offset), from}, nil
}

// job finds the job whose log is asked for, and tells whether it has ended.
func (s *server) job(r *http.Request) (id pipeline.JobID, ended bool, err error) {
	x, err := s.find(r)
	if err != nil {
		return id, false, err
	}
	id = pipeline.JobID{Execution: x.ID, Stage: r.PathValue("stage"), Action: r.PathValue("action")}
	i, j, ok := x.Find(id)
	if !ok {
		names := actionNames(x.Execution)
		return id, false, refuse(NotFound, "execution %s has no action %s%s", x.ID, short(id.Stage+"/"+id.Action), instead(names)).offering(names)
	}
	act := x.Stages[i].Actions[j]
	if x.Definition.Stages[i].Actions[j].Approval != nil {
		return id, false, refuse(NotFound, "%s/%s is an approval, which has no log", id.Stage, id.Action)
	}
	if id.Attempt, err = number(r, "attempt", 1, act.Attempt, act.Attempt); err != nil {
		return id, false, err
	}
	return id, id.Attempt < act.Attempt || act.Status.Ended() || act.Status == pipeline.Pending && x.Status.Ended(), nil
}

// actionNames lists the actions that have a log, as STAGE/ACTION.
func actionNames(x pipeline.Execution) []string {
	var names []string
	for i, st := range x.Stages {
		for j, a := range st.Actions {
			if x.Definition.Stages[i].Actions[j].Approval == nil {
				names = append(names, st.Name+"/"+a.Name)
			}
		}
	}
	return names
}
