package main

import (
	"igconnect/internal/metasim"
	"net/http"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// scenarios are what people do. Where there is no JavaScript a scenario ends
// with the connection: what the landing page tells of it is its script's.
var scenarios = []struct {
	name        string
	needsScript bool
	walk        func(*tab)
}{
	{"connect one", false, connectOne},
	{"connect two of three", false, connectTwoOfThree},
	{"deny", false, deny},
	{"retry after an outage", false, retryAfterOutage},
	{"left out by a new grant", false, leftOut},
	{"reconnect with another profile", false, reconnectWithAnother},
	{"disconnect", true, disconnect},
	{"choose among twelve", false, chooseAmongTwelve},
	{"no Page", false, noPage},
	{"no Instagram account", false, noInstagram},
	{"one is missing", true, oneIsMissing},
	{"behind the system", true, behindTheSystem},
	{"answer a message", false, answerMessage},
	{"from connection to erasure", false, fromConnectionToErasure},
}

func connectOne(b *tab) {
	b.open("/")
	b.page("landing")
	b.press("link", "Connect Instagram")
	b.pageTitled("Sign in", "sign-in")
	b.press("button", "Ada")
	b.pageTitled("Let app 1234567890 use your Instagram account?", "meta")
	b.wantSealed(1, 0)
	b.be("Ada Lindqvist")
	b.share("Lindqvist Ceramics")
	b.comesBackWith("?connected=17841400011223301", "@lindqvist.ceramics is connected.")
	b.page("connected-one")
	b.wantDone("lindqvist.ceramics active")
	b.open("/dev/")
	b.pageTitled("Behind the system", "behind")
}

func connectTwoOfThree(b *tab) {
	b.begin("Bruno Takahashi")
	b.share("Harbour Coffee", "Harbour Bakery & Söhne", "Bruno's old blog", "Harbour Events")
	b.pageTitled("Which accounts do you want to connect?", "chooser")
	b.wantSealed(0, 1)
	b.do(chromedp.Reload()) // the same choice stands there again
	b.sees("heading", "Which accounts do you want to connect?")
	b.wantSealed(0, 1)

	if !b.script {
		b.expect(http.StatusBadRequest)
	}
	b.press("button", "Connect")
	b.reads("Choose at least one account")
	b.page("chooser-nothing-ticked")

	b.tick(true, "Harbour Coffee…", "Harbour Events…")
	if b.script {
		b.reads("2 of 3 selected")
	}
	b.page("chooser-ticked")
	b.press("button", "Connect")
	b.comesBackWith("?connected=17841400011223302,17841400011223304", "@harbour.coffee", "@harbour.events", "are connected.")
	b.page("connected-two")
	b.wantDone("harbour.coffee active", "harbour.events active")
}

func deny(b *tab) {
	b.begin("Ada Lindqvist")
	b.press("button", "Not now")
	b.comesBackWith("?error=access_denied", "You said no at Meta. Nothing was saved.")
	b.page("denied")
	b.wantDone()
}

func retryAfterOutage(b *tab) {
	b.begin("Ada Lindqvist")
	supabaseFaults[0].inject(b.system)
	b.expect(http.StatusServiceUnavailable)
	b.share("Lindqvist Ceramics")
	b.sees("heading", "We cannot save right now")
	b.reads("Nothing is lost")
	b.page("outage")
	b.wantSealed(0, 1)
	b.wantSaved()
	noFault.inject(b.system)
	b.press("button", "Try again")
	b.comesBackWith("?connected=17841400011223301", "@lindqvist.ceramics is connected.")
	b.wantDone("lindqvist.ceramics active")
}

func leftOut(b *tab) {
	b.begin("Bruno Takahashi")
	b.share("Harbour Coffee", "Harbour Events")
	b.sees("heading", "Which accounts do you want to connect?")
	b.tick(true, "Harbour Coffee…", "Harbour Events…")
	b.press("button", "Connect")
	b.comesBackWith("?connected=17841400011223302,17841400011223304", "@harbour.coffee", "@harbour.events", "are connected.")

	if b.script {
		b.press("link", "Connect another account")
	} else {
		b.press("link", "Connect Instagram")
	}
	b.be("Bruno Takahashi")
	b.share("Harbour Bakery & Söhne", "Harbour Events")
	b.reads("@harbour.coffee was not shared this time and stopped.")
	b.page("chooser-left-out")
	b.tick(true, "Harbour <Bakery> & Söhne…")
	b.press("button", "Connect")
	b.comesBackWith("?connected=17841400011223303", "@harbour_bakery is connected.")
	if b.script {
		b.reads("@harbour.coffee was not shared this time and stopped.")
		b.sees("link", "Ask Meta again")
	}
	b.page("left-out")
	b.wantSaved("harbour.coffee reconnect", "harbour.events active", "harbour_bakery active")
}

func reconnectWithAnother(b *tab) {
	b.connectCeramics()
	b.open("/api/login?return_to=/&instagram_id=17841400011223301")
	b.be("Bruno Takahashi")
	b.share("Harbour Coffee", "Harbour Events")
	b.pageTitled("The account to reconnect was not shared", "chooser-not-shared")
	b.reads("You wanted to reconnect @lindqvist.ceramics")
	b.tick(true, "Harbour Coffee…")
	b.press("button", "Connect")
	b.comesBackWith("?connected=17841400011223302", "@harbour.coffee is connected.")
	b.wantSaved("harbour.coffee active", "lindqvist.ceramics active")
	b.do(chromedp.NavigateBack())
	b.pageTitled("Connected", "done-already")
	b.reads("That is done already.")

	// It was shared, and its Page was not.
	b.open("/api/login?return_to=/&instagram_id=17841400011223301")
	b.expect(http.StatusUnprocessableEntity)
	b.be("Ada Lindqvist")
	b.tick(false, "Lindqvist Ceramics …")
	b.tick(true, "Only @lindqvist.ceramics, without its Page")
	b.press("button", "Continue")
	b.reads("You shared @lindqvist.ceramics, but not the Facebook Page that it belongs to.")
	b.page("why-without-its-page")
}

func disconnect(b *tab) {
	b.connectCeramics()
	b.press("button", "Disconnect @lindqvist.ceramics")
	b.sees("dialog", "Disconnect @lindqvist.ceramics?")
	b.page("disconnect")
	b.press("button", "Keep it connected")
	b.wantSaved("lindqvist.ceramics active")
	b.press("button", "Disconnect @lindqvist.ceramics")
	b.press("button", "Disconnect")
	b.reads("@lindqvist.ceramics is disconnected.")
	b.sees("heading", "Your Instagram messages, where you work.")
	b.wantTimes(0, "@lindqvist.ceramics is connected.")
	b.wantTimes(0, "Your Instagram accounts")
	b.page("disconnected")
	b.wantSaved()
}

func chooseAmongTwelve(b *tab) {
	b.begin("Farid Haddad")
	b.press("button", "Continue")
	b.pageTitled("Which accounts do you want to connect?", "chooser-twelve")
	if b.script {
		b.press("searchbox", "Search")
		b.do(command(input.InsertText, input.InsertTextParams{Text: "juni"}))
		b.reads("1 of 12 accounts shown")
		b.tick(true, "Select all shown")
		b.reads("1 of 12 selected")
		b.page("chooser-search")
	} else {
		b.tick(true, "Juniper Jewels…")
	}
	b.press("button", "Connect")
	b.comesBackWith("?connected=17841400011224010", "@client_10 is connected.")
	b.wantSaved("client_10 active")
}

func noPage(b *tab) {
	b.begin("Chidi Okafor")
	b.expect(http.StatusUnprocessableEntity)
	b.press("button", "Continue")
	b.sees("heading", "Why is my account not here?")
	if b.script {
		b.arrives("/callback") // without Meta's code
	}
	b.page("why-no-page")
	b.press("DisclosureTriangle", "The Page belongs to a business portfolio")
	b.reads("ask somebody with full control of the portfolio")
	b.wantDone()
}

func noInstagram(b *tab) {
	b.begin("Dana Petrova")
	b.expect(http.StatusUnprocessableEntity)
	b.share("Petrova Yoga", "Petrova Retreats")
	b.pageTitled("Why is my account not here?", "why")
	b.wantDone()
	b.press("link", "Ask Meta again")
	b.sees("button", "Continue")
}

func oneIsMissing(b *tab) {
	// A role that carries no messages connects nothing, and says so.
	b.begin("Dana Petrova")
	b.expect(http.StatusUnprocessableEntity)
	b.share("Petrova Yoga", "Sunrise Studio")
	b.reads("Your role on this Page does not carry messages")
	b.pageTitled("Why is my account not here?", "role-without-messages")
	b.press("link", "Back to the app")
	b.comesBackWith("", "Your role on the Facebook Page does not let us answer its messages.")

	// An account that is connected, of which Meta tells nothing.
	silent := metasim.Fault{Step: "subscribe", Code: 210, Message: "(#210) The Page may not be subscribed"}
	b.open("/api/login?return_to=/")
	b.system.meta.Inject(silent)
	b.be("Dana Petrova")
	b.share("Petrova Yoga", "Moonlight Studio")
	b.comesBackWith("?connected=17841400011223307", "@moonlight.studio is connected.", "New messages do not reach this app yet.")
	b.page("connected-but-silent")
	b.press("link", "Find out why @moonlight.studio")
	b.be("Dana Petrova")
	b.share("Petrova Yoga", "Moonlight Studio")
	b.pageTitled("Why is my account not here?", "why-one-is-missing")
	b.press("link", "Back to the app")
	b.comesBackWith("?connected=17841400011223307", "@moonlight.studio is connected.")
	b.system.meta.ClearFaults()
}

// connectCeramics connects the one account of Ada Lindqvist.
func (b *tab) connectCeramics() {
	b.Helper()
	b.begin("Ada Lindqvist")
	b.share("Lindqvist Ceramics")
	b.comesBackWith("?connected=17841400011223301", "@lindqvist.ceramics is connected.")
}

// wantDone checks that nothing of a login is left in the browser, and what it saved.
func (b *tab) wantDone(saved ...string) {
	b.Helper()
	b.wantSealed(0, 0)
	b.wantSaved(saved...)
}

// begin signs in and goes to Meta's dialog as one of its people.
func (b *tab) begin(person string) {
	b.Helper()
	b.open("/")
	b.press("link", "Connect Instagram")
	b.press("button", "Ada")
	b.be(person)
}

// be chooses who one is at Meta.
func (b *tab) be(person string) {
	b.Helper()
	b.sees("button", "Continue")
	if !evaluate[bool](b, "document.querySelector('.person').textContent.includes("+asJSON(person)+")") {
		b.press("DisclosureTriangle", "Be somebody else")
		b.press("link", person+"…")
		b.reads("You are " + person)
	}
}

// share ticks these Pages at Meta, and no others, and continues.
func (b *tab) share(pages ...string) {
	b.Helper()
	b.sees("button", "Continue") // it stands behind the boxes: all of them are there
	const offered = "[...document.querySelectorAll('input[name=page]')].map((box) => box.labels[0].querySelector('span').firstChild.data)"
	all := evaluate[[]string](b, offered)
	for _, page := range pages {
		if !slices.Contains(all, page) {
			b.Fatalf("Meta offers %q and not %q", all, page)
		}
	}
	for _, page := range all {
		b.tick(slices.Contains(pages, page), page+" …")
	}
	b.press("button", "Continue")
}

// comesBackWith waits for the landing page and what it tells; without its
// script it tells only that something is connected.
func (b *tab) comesBackWith(query string, news ...string) {
	b.Helper()
	address := "/" // tidied up
	if !b.script {
		address += query
		b.sees("heading", "Your Instagram messages, where you work.")
		if strings.HasPrefix(query, "?connected=") {
			news = []string{"Your Instagram account is connected."}
		}
	}
	for _, text := range news {
		b.reads(text)
	}
	b.arrives(address)
}
