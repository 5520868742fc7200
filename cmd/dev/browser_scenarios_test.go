package main

import (
	"net/http"
	"slices"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// scenarios are what people do. Where there is no JavaScript a scenario ends
// with the connection: what the landing page then tells is its script's.
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
	{"disconnect", true, disconnect},
	{"choose among twelve", false, chooseAmongTwelve},
	{"no Page", false, noPage},
	{"no Instagram account", false, noInstagram},
	{"one is missing", true, oneIsMissing},
	{"answer a message", false, answerMessage},
	{"live and die", false, liveAndDie},
}

func connectOne(b *tab) {
	b.open("/")
	b.page("landing")
	b.press("link", "Connect Instagram")
	b.sees("heading", "Sign in")
	b.page("sign-in")
	b.press("button", "Ada")
	b.sees("heading", "Let app 1234567890 use your Instagram account?")
	b.page("meta")
	b.wantSealed(1, 0)
	b.be("Ada Lindqvist")
	b.share("Lindqvist Ceramics")
	b.comesBackWith("?connected=17841400011223301", "@lindqvist.ceramics is connected.")
	b.page("connected-one")
	b.wantSealed(0, 0)
	b.wantSaved("lindqvist.ceramics active")
	b.open("/dev/")
	b.sees("heading", "Behind the system")
	b.page("behind")
}

func connectTwoOfThree(b *tab) {
	b.begin("Bruno Takahashi")
	b.share("Harbour Coffee", "Harbour Bakery & Söhne", "Bruno's old blog", "Harbour Events")
	b.sees("heading", "Which accounts do you want to connect?")
	b.page("chooser")
	b.wantSealed(0, 1)

	if !b.script {
		b.expect(http.StatusBadRequest)
	}
	b.press("button", "Connect")
	b.reads("Choose at least one account")
	b.page("chooser-nothing-ticked")

	b.tick("Harbour Coffee…", true)
	b.tick("Harbour Events…", true)
	if b.script {
		b.reads("2 of 3 selected")
	}
	b.page("chooser-ticked")
	b.press("button", "Connect")
	b.comesBackWith("?connected=17841400011223302,17841400011223304", "@harbour.coffee", "@harbour.events", "are connected.")
	b.page("connected-two")
	b.wantSealed(0, 0)
	b.wantSaved("harbour.coffee active", "harbour.events active")
}

func deny(b *tab) {
	b.begin("Ada Lindqvist")
	b.press("button", "Not now")
	b.comesBackWith("?error=access_denied", "You said no at Meta. Nothing was saved.")
	b.page("denied")
	b.wantSealed(0, 0)
	b.wantSaved()
}

func retryAfterOutage(b *tab) {
	b.begin("Ada Lindqvist")
	supabaseFaults[0].order(b.system)
	b.expect(http.StatusServiceUnavailable)
	b.share("Lindqvist Ceramics")
	b.sees("heading", "We cannot save right now")
	b.reads("Nothing is lost")
	b.page("outage")
	b.wantSealed(0, 1)
	b.wantSaved()
	noFault.order(b.system)
	b.press("button", "Try again")
	b.comesBackWith("?connected=17841400011223301", "@lindqvist.ceramics is connected.")
	b.wantSealed(0, 0)
	b.wantSaved("lindqvist.ceramics active")
}

func leftOut(b *tab) {
	b.begin("Bruno Takahashi")
	b.share("Harbour Coffee", "Harbour Events")
	b.sees("heading", "Which accounts do you want to connect?")
	b.tick("Harbour Coffee…", true)
	b.tick("Harbour Events…", true)
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
	b.tick("Harbour <Bakery> & Söhne…", true)
	b.press("button", "Connect")
	b.comesBackWith("?connected=17841400011223303", "@harbour_bakery is connected.")
	if b.script {
		b.reads("@harbour.coffee was not shared this time and stopped.")
		b.sees("link", "Ask again")
	}
	b.page("left-out")
	b.wantSaved("harbour.coffee reconnect", "harbour.events active", "harbour_bakery active")
}

func disconnect(b *tab) {
	b.begin("Ada Lindqvist")
	b.share("Lindqvist Ceramics")
	b.comesBackWith("?connected=17841400011223301", "@lindqvist.ceramics is connected.")
	b.press("button", "Disconnect @lindqvist.ceramics")
	b.sees("dialog", "Disconnect @lindqvist.ceramics?")
	b.page("disconnect")
	b.press("button", "Keep it connected")
	b.wantSaved("lindqvist.ceramics active")
	b.press("button", "Disconnect @lindqvist.ceramics")
	b.press("button", "Disconnect")
	b.reads("@lindqvist.ceramics is disconnected.")
	b.sees("heading", "Your Instagram messages, where you work.")
	b.lacks("@lindqvist.ceramics is connected.", "Your Instagram accounts")
	b.page("disconnected")
	b.wantSaved()
}

func chooseAmongTwelve(b *tab) {
	b.begin("Farid Haddad")
	b.press("button", "Continue")
	b.sees("heading", "Which accounts do you want to connect?")
	b.page("chooser-twelve")
	if b.script {
		b.press("searchbox", "Search")
		b.do(command(input.InsertText, input.InsertTextParams{Text: "juni"}))
		b.reads("1 of 12 accounts shown")
		b.tick("Select all shown", true)
		b.reads("1 of 12 selected")
		b.page("chooser-search")
	} else {
		b.tick("Juniper Jewels…", true)
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
	b.wantSealed(0, 0)
	b.wantSaved()
}

func noInstagram(b *tab) {
	b.begin("Dana Petrova")
	b.expect(http.StatusUnprocessableEntity)
	b.share("Petrova Yoga", "Petrova Retreats")
	b.sees("heading", "Why is my account not here?")
	b.page("why")
	b.wantSealed(0, 0)
	b.wantSaved()
	b.press("link", "Ask Meta again")
	b.sees("button", "Continue")
}

func oneIsMissing(b *tab) {
	b.begin("Dana Petrova")
	b.share("Petrova Yoga", "Sunrise Studio")
	b.comesBackWith("?connected=17841400011223306", "@sunrise.studio is connected.", "New messages do not reach this app yet.")
	b.page("connected-but-silent")
	b.press("link", "Find out why @sunrise.studio")
	b.be("Dana Petrova")
	b.share("Petrova Yoga", "Sunrise Studio")
	b.sees("heading", "Why is my account not here?")
	b.page("why-one-is-missing")
	b.press("link", "Back to the app")
	b.comesBackWith("?connected=17841400011223306", "@sunrise.studio is connected.")
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
	isIt, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("document.querySelector('.person').textContent.includes("+asJSON(person)+")"))
	if err != nil {
		b.Fatal(err)
	}
	if !isIt {
		b.press("DisclosureTriangle", "Be somebody else")
		b.press("link", person+"…")
		b.reads("You are " + person)
	}
}

// share ticks these Pages at Meta, and no others, and continues.
func (b *tab) share(pages ...string) {
	b.Helper()
	const offered = "[...document.querySelectorAll('input[name=page]')].map((box) => box.labels[0].querySelector('span').firstChild.data)"
	all, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](offered))
	if err != nil {
		b.Fatal(err)
	}
	for _, page := range pages {
		if !slices.Contains(all, page) {
			b.Fatalf("Meta offers %q and not %q", all, page)
		}
	}
	for _, page := range all {
		b.tick(page+" …", slices.Contains(pages, page))
	}
	b.press("button", "Continue")
}

// comesBackWith waits for the landing page and what it tells; without its
// script only the address does.
func (b *tab) comesBackWith(query string, news ...string) {
	b.Helper()
	if !b.script {
		b.arrives("/" + query)
		b.sees("heading", "Your Instagram messages, where you work.")
		return
	}
	for _, text := range news {
		b.reads(text)
	}
	b.arrives("/") // the address is tidied up
}
