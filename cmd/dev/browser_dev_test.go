package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// behindTheSystem: the page tells a newcomer what is true, at once and when it changes elsewhere, and
// lets nobody press what does nothing yet.
func behindTheSystem(b *tab) {
	b.open("/dev/")
	b.reads("Nobody is signed in.")
	b.reads("Nobody allows the app right now.")
	b.reads("No account yet.")
	always := []string{"Sign in as Ada", "Sign in as Ben", "Show /api/health"}
	for _, f := range b.system.faults() {
		always = append(always, f.Label)
	}
	b.wantEnabled(always)
	b.page("behind-before")
	b.press("button", "Sign in as Ada")
	b.reads("You are signed in as ada@example.com.")

	if err := newWalk(b.system, time.Now()).connect(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.reads("by ada@example.com, as Ada Lindqvist at Facebook")
	b.reads("The app is allowed by Ada Lindqvist.")
	b.wantEnabled(nil)
	b.page("behind-connected")
	if height := evaluate[int64](b, fullHeight); height > 4000 || b.width > 1000 && height > 2500 {
		b.Errorf("the page is %d pixels high", height)
	}

	b.press("DisclosureTriangle", "@lindqvist.ceramics…")
	b.reads("token_secret_id")
	const leave = "delete from auth.users where email = 'ada@example.com'"
	if _, err := b.system.supabase.SQL(b.Context(), leave); err != nil {
		b.Fatal(err)
	}
	b.reads("the session in this browser has ended, or its user is gone")
	b.reads("No account yet.")
	b.wantEnabled(always)
	b.press("button", "Sign in as Ada") // who is a new user
	b.reads("You are signed in as ada@example.com.")
}

// wantEnabled waits until these are the buttons that can be pressed, in the page's order; nil: all.
func (b *tab) wantEnabled(want []string) {
	b.Helper()
	const labels = "(selector) => [...document.querySelectorAll(selector)].map((one) => one.textContent)"
	b.until("looking at the buttons", func(context.Context) error {
		enabled := evaluate[[]string](b, "("+labels+")('main button:not(:disabled)')")
		if want == nil {
			want = evaluate[[]string](b, "("+labels+")('main button')")
		}
		if !slices.Equal(enabled, want) {
			return fmt.Errorf("%q can be pressed, want %q", enabled, want)
		}
		return nil
	})
}

func answerMessage(b *tab) {
	const text = "Hello, are you open today?"
	b.connectCeramics()
	b.open("/dev/")
	b.reads("You are signed in as ada@example.com.")
	b.reads("The app is allowed by Ada Lindqvist.")
	b.reads("connection · for ada@example.com")

	b.tick(true, "Five times at once")
	b.tick(true, "The database fails the first time")
	b.page("send")
	b.press("button", "Send")
	b.reads("With the database down: /api/webhook answered 5 × 503.")
	b.reads("Delivered again: /api/webhook answered 5 × 200.")
	b.reads("waiting")
	b.wantTimes(1, text)
	b.page("inbox")

	b.press("button", "Play worker once")
	b.reads("The worker claimed 2, answered 1.")
	b.reads("finished")
	b.reads("to Nils, from Page 104550012233401")
	b.wantTimes(1, text)
	b.page("answered")

	if !b.script {
		return
	}
	// The page fills by itself, with what people write as they wrote it.
	form := messageForm{Account: "17841400011223301", Person: senders[1].ID, Kind: "message", Text: "<b>Second</b> message", OutOfOrder: true}
	if _, err := b.system.sendMessages(b.Context(), form); err != nil {
		b.Fatal(err)
	}
	b.reads("<b>Second</b> message (1)")
	b.wantTimes(3, "<b>Second</b> message")
	b.wantTimes(3, "waiting")
	b.page("inbox-filled")
}

// Parts of *Make something happen*.
const (
	timePasses = "Let time pass, and run the daily job"
	atFacebook = "Do something at Facebook"
)

// happens presses a button in a part, which is opened where it is not.
func (b *tab) happens(part, button string) {
	b.Helper()
	const isOpen = "[...document.querySelectorAll('details[open] > summary')].some((one) => one.textContent === "
	if !evaluate[bool](b, isOpen+asJSON(part)+")") {
		b.press("DisclosureTriangleGrouped", part)
	}
	b.press("button", button)
}

// wantTimes checks how often the page tells a text.
func (b *tab) wantTimes(n int, text string) {
	b.Helper()
	shown := evaluate[string](b, shownText)
	if got := strings.Count(shown, text); got != n {
		b.Errorf("the page tells %q %d times, want %d:\n%s", text, got, n, shown)
	}
}

// fromConnectionToErasure: the app is removed at Facebook, the cron job finds out, the
// person reconnects, and in the end has the data deleted.
func fromConnectionToErasure(b *tab) {
	const reconnect = "/api/login?return_to=/&instagram_id=17841400011223301"
	b.connectCeramics()

	b.open("/dev/")
	b.happens(timePasses, "Run /api/renew now")
	b.reads("found nothing that is due")
	b.happens(atFacebook, "Remove the app")
	b.reads("Ada Lindqvist removed the app at Facebook")
	b.page("life-removed")
	b.wantSaved("lindqvist.ceramics active")
	b.happens(timePasses, "1 day later")
	b.reads("It is 1 day later.")
	b.happens(timePasses, "Run /api/renew now")
	b.reads("/api/renew answered 200.")
	b.reads(`"reconnect": 1`)
	b.reads("reconnect: You removed this app at Facebook.")
	b.page("life-renewed")
	b.wantSaved("lindqvist.ceramics reconnect")

	if b.script {
		b.open("/")
		b.reads("Stopped: You removed this app at Facebook.")
		b.page("stopped")
		b.press("link", "Reconnect @lindqvist.ceramics")
	} else {
		b.open(reconnect)
	}
	b.be("Ada Lindqvist")
	b.share("Lindqvist Ceramics")
	b.comesBackWith("?connected=17841400011223301", "@lindqvist.ceramics is connected.")
	b.wantSaved("lindqvist.ceramics active")

	b.open("/dev/")
	b.happens(timePasses, "50 days later")
	b.reads("It is 50 days later.")
	b.happens(timePasses, "Run /api/renew now")
	b.reads(`"renewed": 1`)
	b.wantSaved("lindqvist.ceramics active")
	b.happens(timePasses, "Show /api/health")
	b.reads("/api/health, asked by the operator, answered 200")
	b.page("life-health")

	b.happens(atFacebook, "Meta calls /api/deauthorize")
	b.reads("/api/deauthorize answered 200")
	b.wantSaved("lindqvist.ceramics reconnect")
	b.happens(atFacebook, "Meta calls /api/deletion")
	b.reads("/api/deletion answered 200")
	b.wantSaved()
	b.page("life-deletion")
	b.press("link", "Open the status page")
	b.sees("heading", "Your data is deleted")
	b.reads("We deleted one connected account")
	b.page("erased")
}
