package main

import (
	"strings"

	"github.com/chromedp/chromedp"
)

func answerMessage(b *tab) {
	const text = "Hello, are you open today?"
	b.begin("Ada Lindqvist")
	b.share("Lindqvist Ceramics")
	b.comesBackWith("?connected=17841400011223301", "@lindqvist.ceramics is connected.")
	b.open("/dev/")
	b.sees("heading", "Send a message")
	b.reads("No event yet.")

	b.tick("Five times at once", true)
	b.tick("The database fails the first time", true)
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
	o := order{Account: "17841400011223301", Person: writers[1].ID, Kind: "message", Text: "<b>Second</b> message", OutOfOrder: true}
	if _, err := b.system.carryOut(b.Context(), o); err != nil {
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
	shown, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.body.innerText"))
	if err != nil {
		b.Fatal(err)
	}
	if got := strings.Count(shown, text); got != n {
		b.Errorf("the page tells %q %d times, want %d:\n%s", text, got, n, shown)
	}
}

// forget forgets what was sent.
func (m *mail) forget() {
	m.sending.Lock()
	defer m.sending.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.talks, m.order, m.sent, m.worked = nil, order{}, nil, nil
}
