package page

// Advice is what the page tells about a verdict.
type Advice struct {
	Status string   // the verdict in a few words
	Why    string   // what it means
	Steps  []string // how to put it right, in order; none where nothing is wrong
	Good   bool     // nothing is wrong
}

// Advice tells how to put the verdict right; it is empty for no verdict.
func (k VerdictKind) Advice() Advice { return advice[k] }

// advice is all that we say about Meta's menus: Meta moves and renames them now
// and then.
var advice = map[VerdictKind]Advice{
	NoInstagram: {
		Status: "No Instagram account is linked",
		Why:    "Meta shows the Page, but no professional Instagram account that belongs to it.",
		Steps: []string{
			"On facebook.com, switch to the Page and open Settings, then Linked accounts.",
			"Choose Instagram, then Connect account. Leave the access to messages switched on, and sign in to the account you want here.",
			"In the Instagram app, check that it is a professional account (Settings, then Account type and tools).",
			"Come back to this page and ask Meta again.",
		},
	},
	NotProfessional: {
		Status: "Meta does not show it as a professional account",
		Why: "Meta names this Instagram account, but lets apps work with professional ones only: Business or Creator. " +
			"Most often it is a personal one; switching is free and can be undone. If it is professional already, its link to the Page has to be made anew.",
		Steps: []string{
			"In the Instagram app, open Settings, then Account type and tools.",
			"If it offers Switch to professional account, choose it, then Business or Creator. Pick the Page named here when Instagram asks for one.",
			"If it is professional already: on facebook.com, switch to the Page, open Settings, then Linked accounts, and connect Instagram again.",
			"Come back to this page and ask Meta again.",
		},
	},
	NoToken: {
		Status: "Your role on this Page does not carry messages",
		Why:    "The Page is on your list, but Meta gave us no access to it, so nobody could answer its messages through you.",
		Steps: []string{
			"Ask somebody with full control of the Page to open its Settings, then Page access.",
			"They give you full control, or at least task access for Messages.",
			"Accept the invitation in your Facebook notifications.",
			"Come back to this page and ask Meta again. Tick the Page in Meta's window.",
		},
	},
	NoTask: {
		Status: "Your role does not cover messages",
		Why:    "You help to run this Page, but you may not answer its messages, so nobody could do it through you.",
		Steps: []string{
			"Ask somebody with full control of the Page to open its Settings, then Page access.",
			"They switch on Messages in your access, or give you full control.",
			"Come back to this page and ask Meta again.",
		},
	},
	Silent: {
		Status: "Connected, but messages do not reach us",
		Why:    "The account is saved. Meta refused to tell us when a message arrives.",
		Steps: []string{
			"In the Instagram app, open Settings, then Messages, then Message controls.",
			"Open Connected tools and switch on Allow access to messages.",
			"Come back to this page and ask Meta again. If it stays like this, tell the people who run the app.",
		},
	},
	Connected: {
		Status: "Connected",
		Why:    "All is well here. There is nothing to do.",
		Good:   true,
	},
}
