package main

import "strings"

func answerMessage(b *tab) {
	const text = "Hello, are you open today?"
	b.connectCeramics()
	b.open("/dev/")
	b.sees("heading", "Send a message")
	b.reads("No event yet.")

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
	b.reads("The worker claimed 1, answered 1.")
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
	b.press("button", "Run /api/renew now")
	b.reads("found nothing that is due")
	b.press("button", "Remove the app")
	b.reads("Ada Lindqvist removed the app at Facebook")
	b.page("life-removed")
	b.wantSaved("lindqvist.ceramics active")
	b.press("button", "1 day later")
	b.reads("It is 1 day later.")
	b.press("button", "Run /api/renew now")
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
	b.press("button", "50 days later")
	b.reads("It is 50 days later.")
	b.press("button", "Run /api/renew now")
	b.reads(`"renewed": 1`)
	b.wantSaved("lindqvist.ceramics active")
	b.press("button", "Show /api/health")
	b.reads("/api/health, asked by the operator, answered 200")
	b.page("life-health")

	b.press("button", "Meta calls /api/deauthorize")
	b.reads("/api/deauthorize answered 200")
	b.wantSaved("lindqvist.ceramics reconnect")
	b.press("button", "Meta calls /api/deletion")
	b.reads("/api/deletion answered 200")
	b.wantSaved()
	b.page("life-deletion")
	b.press("link", "Open the status page")
	b.sees("heading", "Your data is deleted")
	b.reads("We deleted one connected account")
	b.page("erased")
}
