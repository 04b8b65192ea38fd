package docker

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/docker/docker/pkg/jsonmessage"
	"github.com/docker/go-units"

	"fisherman/deployer"
)

// line is one message of a pull's stream.
type line = jsonmessage.JSONMessage

func eachLine(stream io.Reader, do func(line) error) error {
	for lines := json.NewDecoder(stream); ; {
		var l line
		err := lines.Decode(&l)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = do(l)
		}
		if err != nil {
			return err
		}
	}
}

// tellEvery is the least time between two looks at a pull.
const tellEvery = 250 * time.Millisecond

// tally sums up what the layers of a pull report, and tells now and then.
type tally struct {
	tell   func(deployer.Report)
	now    func() time.Time
	begun  time.Time
	told   time.Time
	layers map[string]layer
}

type layer struct{ done, total int64 }

func newTally(tell func(deployer.Report), now func() time.Time) *tally {
	begun := now()
	return &tally{tell: tell, now: now, begun: begun, told: begun, layers: map[string]layer{}}
}

func (t *tally) add(l line) error {
	if l.Error != nil {
		return l.Error
	}
	known := t.layers[l.ID]
	switch {
	case l.Status == "Downloading" && l.Progress != nil:
		t.layers[l.ID] = layer{l.Progress.Current, max(l.Progress.Total, l.Progress.Current)}
	case l.Status == "Download complete" || l.Status == "Pull complete":
		t.layers[l.ID] = layer{known.total, known.total}
	}
	if now := t.now(); now.Sub(t.told) >= tellEvery {
		t.told = now
		if s := t.sum(); s.done < s.total {
			t.tell(deployer.Report{
				Text: fmt.Sprintf("pulled %s of %s", size(s.done), size(s.total)), Done: s.done, Total: s.total, Passing: true,
			})
		}
	}
	return nil
}

func (t *tally) done() {
	s, amount := t.sum(), ""
	if s.total > 0 { // small layers pass without a report
		amount = " " + size(s.total)
	}
	t.tell(deployer.Report{
		Text: fmt.Sprintf("pulled%s in %.1fs", amount, t.now().Sub(t.begun).Seconds()), Done: s.total, Total: s.total,
	})
}

func (t *tally) sum() (s layer) {
	for _, l := range t.layers {
		s.done += l.done
		s.total += l.total
	}
	return s
}

func size(n int64) string {
	return units.CustomSize("%.1f %s", float64(n), 1000, []string{"B", "kB", "MB", "GB", "TB"})
}
