package metasim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// state is what [Sim.Keep] keeps, of the Sim's fields of the same names.
type state struct {
	Jumped        time.Duration
	People        []Person
	Deleted       []string
	Consents      map[string]*consent
	Tokens        map[string]*token
	Subscriptions map[string][]string
	LastWritten   map[string]time.Time
	Replies       []Reply
}

// keeper writes the state to its file.
type keeper struct {
	file   string
	saved  []byte // what the file has, or was to have
	report func(error)
}

// Keep goes on where the Sim that kept its state in file ended, and keeps this one's there: people,
// consents, tokens, subscriptions, the clock and the messages, but not codes, which last ten
// minutes, nor faults. Each change is in the file before anybody is told of it. Call it after
// AddPerson and before anything else; whom the file knows is as the file has them.
//
// A file that holds no state is renamed, and the Sim begins anew: report is told of that, as of each
// change that cannot be written. It must not call the Sim.
func (s *Sim) Keep(file string, report func(error)) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		if err := s.restore(text); err != nil {
			aside := file + ".damaged"
			if err := os.Rename(file, aside); err != nil {
				return err
			}
			report(fmt.Errorf("the simulated Meta cannot read what it kept (%w) and begins anew: "+
				"connect your accounts again. The file is now %s", err, aside))
		}
	}
	s.keeper = &keeper{file: file, report: report}
	return s.save()
}

// restore sets the state from the text of a file, or nothing where it is none.
func (s *Sim) restore(text []byte) error {
	var kept state
	if err := json.Unmarshal(text, &kept); err != nil {
		return err
	}
	for person, c := range kept.Consents {
		if c == nil || c.Status == nil {
			return fmt.Errorf("the consent of person %q is empty", person)
		}
	}
	for value, t := range kept.Tokens {
		if t == nil || t.Parent != "" && kept.Tokens[t.Parent] == nil {
			return errors.New("a token is empty, or lacks the one that it came from")
		}
		t.Value = value
	}
	if kept.Consents == nil || kept.Tokens == nil || kept.Subscriptions == nil || kept.LastWritten == nil {
		return errors.New("it is not whole")
	}
	for _, p := range kept.People {
		s.addPerson(p)
	}
	for value := range kept.Tokens {
		s.secrets = append(s.secrets, value)
	}
	s.jumped.Store(int64(kept.Jumped))
	s.deleted, s.consents, s.tokens = kept.Deleted, kept.Consents, kept.Tokens
	s.subscriptions, s.lastWritten, s.replies = kept.Subscriptions, kept.LastWritten, kept.Replies
	return nil
}

// unlock unlocks s.mu, with what changed in the file.
func (s *Sim) unlock() {
	if s.keeper != nil {
		if err := s.save(); err != nil {
			s.keeper.report(fmt.Errorf("the simulated Meta cannot keep what changed: %w", err))
		}
	}
	s.mu.Unlock()
}

// save writes the state if it changed. Who reads the file finds the old one or the new one, whole.
func (s *Sim) save() error {
	text := encode(state{
		s.Jumped(), s.people, s.deleted, s.consents, s.tokens, s.subscriptions, s.lastWritten, s.replies,
	})
	if bytes.Equal(text, s.keeper.saved) {
		return nil
	}
	s.keeper.saved = text
	if err := os.WriteFile(s.keeper.file+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(s.keeper.file+".new", s.keeper.file)
}
