package page

// Done says what came of a choice, and leads back to the app.
type Done struct {
	Accounts []Verdict // what was connected, as it is now; empty where that could not be read
	Count    int       // how many are connected
	Onward   Action    // a link
	Goes     bool      // the page goes there by itself
}

func (Done) template() string { return "done.html" }

// Title is its heading.
func (Done) Title() Key { return "done.title" }

// Groups sorts the accounts by what is to be said of them.
func (d Done) Groups() []Group { return grouped(d.Accounts) }
