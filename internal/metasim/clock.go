package metasim

import "time"

// Now is the Sim's clock: Config.Now, moved by all Jumps so far. Every answer's
// Date header shows it.
func (s *Sim) Now() time.Time {
	return s.cfg.Now().Add(time.Duration(s.jumped.Load()))
}

// Jump moves the Sim's clock forward: codes, tokens, data access and reply
// windows run out as if the time had passed. Whoever compares times with the
// Sim must jump too; an Event keeps the time it was made at, see Event.At.
func (s *Sim) Jump(d time.Duration) { s.jumped.Add(int64(d)) }
