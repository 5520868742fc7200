package store

import (
	"net/http"
	"slices"
)

// Fault is what is wrong with the set-up where Supabase refuses: asking again is
// of no use before somebody has mended it.
type Fault struct {
	Check   string // its name in /api/health
	Problem string
	Fix     string
}

// The faults. None of their texts holds a value of a setting.
var (
	BadAddress = &Fault{"supabase", "Supabase does not answer as it should.",
		"Check SUPABASE_URL, and that the project is not paused."}
	badKey = &Fault{"supabase_key", "Supabase does not accept the key.",
		"Copy the secret key of this very project into SUPABASE_SECRET_KEY."}
	weakKey = &Fault{"supabase_key", "The key has not the role service_role.",
		"Set SUPABASE_SECRET_KEY to the secret key, not the publishable or anon one. If it is: supabase db push --remote"}
	hidden = &Fault{"supabase", "The Data API does not offer the schema public.",
		"Switch the Data API on in the project's settings, with the schema public exposed."}
	noMigrations = &Fault{"migrations", "The tables are not there.", "Run: supabase db push --remote"}

	// OtherMigrations is for a database whose [Store.Version] is not [SchemaVersion].
	OtherMigrations = &Fault{"migrations", "The database has other migrations than this version expects.", noMigrations.Fix}
)

// faults are by PostgREST's and PostgreSQL's codes.
// https://docs.postgrest.org/en/stable/references/errors.html
// https://www.postgresql.org/docs/current/errcodes-appendix.html
var faults = map[string]*Fault{
	"42501": weakKey, // of a table, column or function, or by row level security
	// A function, a table, a column, a relation: unknown to PostgREST, or to the database.
	"PGRST202": noMigrations, "PGRST205": noMigrations, "PGRST204": noMigrations, "PGRST200": noMigrations,
	"42883": noMigrations, "42P01": noMigrations, "42703": noMigrations,
	"PGRST106": hidden,
}

// Fault is what is wrong with the set-up, or nil: an outage, or a refusal of this
// one request. Gateways have words of their own or none, so where no code of
// Supabase came the status decides.
func (e *Error) Fault() *Fault {
	mayPass := []int{http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusTooManyRequests}
	nowhere := []int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone}
	switch fault := faults[e.Code]; {
	case fault != nil:
		return fault
	case e.Status == http.StatusUnauthorized, e.Status == http.StatusForbidden && e.Code == "":
		return badKey
	case e.cause == errWebPage && e.Status >= 400 && e.Status < 500 && !slices.Contains(mayPass, e.Status),
		slices.Contains(nowhere, e.Status) && e.Code == "":
		return BadAddress
	}
	return nil
}

const freeConnections = "See who holds them in the database's reports, restart the project, or give it a larger compute size."

var unreachable = &Fault{"supabase", "Supabase's API does not reach its database.",
	"Look at the project's status in its dashboard: it may be starting, paused, or out of connections."}

var busy = &Fault{"supabase", "The database is busy: a call waited too long for a lock, or took too long itself.",
	"Ask again in a minute. If it stays so, look for a long transaction in the database's reports, and end it."}

// troubles are the states of a database in which it answers, and does not work, by
// the same codes. They pass by themselves, or once somebody has made room.
var troubles = map[string]*Fault{
	"25006": {"supabase", "The database is read-only.",
		"Supabase makes it so when the disk is nearly full: make room or enlarge the disk under Database settings, then end the read-only mode there."},
	"53100": {"supabase", "The database's disk is full.",
		"Make room (delete_old_instagram_events() deletes old events) or enlarge the disk under Database settings."},
	"53200":    {"supabase", "The database has no memory left.", "Give the project a larger compute size."},
	"53300":    {"supabase", "The database has no connection left: too many are open.", freeConnections},
	"PGRST003": {"supabase", "The database has no connection left in time: too many calls wait for one.", freeConnections},
	"PGRST000": unreachable, "PGRST001": unreachable, "PGRST002": unreachable, "57P01": unreachable, "57P03": unreachable,
	lockTimeout: busy, "57014": busy, "40P01": busy, "40001": busy,
}

// Trouble is what keeps the database from working, or nil. Unlike a [Fault] of the
// set-up it is an outage.
func (e *Error) Trouble() *Fault { return troubles[e.Code] }
