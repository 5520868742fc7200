package main

// liveAndDie: the app is removed at Facebook, the cron job finds out, the
// person reconnects, and in the end has the data deleted.
func liveAndDie(b *tab) {
	const reconnect = "/api/login?return_to=/&instagram_id=17841400011223301"
	b.begin("Ada Lindqvist")
	b.share("Lindqvist Ceramics")
	b.comesBackWith("?connected=17841400011223301", "@lindqvist.ceramics is connected.")

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

// forget forgets what was pressed, and gives every role back. The clock stays:
// it goes forward only.
func (l *life) forget(s *system) {
	l.acting.Lock()
	defer l.acting.Unlock()
	for _, o := range l.lost {
		if person, ok := personOf(o.Person); ok {
			s.meta.AddPerson(person)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost, l.chosen, l.came = nil, "", nil
}
