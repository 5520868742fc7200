package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"igconnect/internal/metasim"
)

// A browser holds the redirects that follow a form to the page's form-action, and an app may send its
// people on to yet another origin. So a form ends at a page of ours.
func TestFormEndsAtOwnPage(t *testing.T) {
	t.Parallel()
	const returnTo = appOrigin + "/x?a=1&b=2#c"
	const done = appOrigin + "/x?a=1&b=2&connected="
	setUp := func(t *testing.T) (d deployment, chooser answer) {
		d = deployWith(t, sharing, brand(1), brand(2))
		return d, d.ComeBack(d.LogIn("?return_to="+url.QueryEscape(returnTo), metasim.Approval{}))
	}
	parallel(t, "the chooser", func(t *testing.T) {
		d, chooser := setUp(t)
		got := d.Submit(chooser, choice(1, 2))
		d.WantDone(got, done+instagramID(1)+","+instagramID(2)+"#c")
		if strings.Contains(got.Location(), "app.example") {
			t.Errorf("return_to travels in %q", got.Location())
		}
		d.wantTexts(d.Get(got.Location()), "2 Instagram accounts are connected.", "@brand_1", "@brand_2")
	})
	parallel(t, "try again", func(t *testing.T) {
		d := deployWith(t, sharing, brand(1))
		d.Supabase.Break("save", html(502))
		down := d.Get(d.LogIn("?return_to="+url.QueryEscape(returnTo), metasim.Approval{}))
		d.wantTexts(down, "Try again", `href="`+appOrigin+`/x?a=1&amp;b=2#c"`)
		d.Supabase.Break("save", nil)
		d.WantDone(d.Submit(down, nil), done+instagramID(1)+"#c")
	})
	parallel(t, "the address says nothing that counts", func(t *testing.T) {
		d, chooser := setUp(t)
		location, _, _ := strings.Cut(d.Submit(chooser, choice(1)).Location(), "&")
		forged := d.Get(location + "&connected=17841499999999999,%3Cscript%3E&return_to=https://evil.example")
		if strings.Contains(forged.Body, "17841499999999999") || strings.Contains(forged.Body, "script>\"") || strings.Contains(forged.Body, "evil") {
			t.Error(forged.Body)
		}
		d.wantTexts(forged, "Your Instagram account is connected", "connected="+instagramID(1)+"#c")
		d.newBrowser()
		d.want(d.Get(location+"&connected="+instagramID(1)), 400, "state_mismatch")
		d.want(d.Get("/api/choose?connected="+instagramID(1)), 400, "state_mismatch")
	})
	parallel(t, "the app is not trusted any more", func(t *testing.T) {
		d, chooser := setUp(t)
		d.Set("ALLOWED_ORIGINS", "")
		d.WantDone(d.Submit(chooser, choice(1)), "/?connected="+instagramID(1))
	})
	parallel(t, "Supabase does not tell the names", func(t *testing.T) {
		d, chooser := setUp(t)
		got := d.Submit(chooser, choice(1))
		d.Supabase.Break("list", html(502))
		d.WantDone(got, done+instagramID(1)+"#c")
	})
	parallel(t, "by another user", func(t *testing.T) {
		d, chooser := setUp(t)
		got := d.Submit(chooser, choice(1))
		d.SignIn(ben)
		d.want(d.Get(got.Location()), 409, "user_changed")
	})
	parallel(t, "nothing of it works", func(t *testing.T) {
		weak := []metasim.Page{brand(1), brand(2)}
		weak[0].NoToken, weak[1].NoToken = true, true
		d, chooser := connected(t, weak...)
		for range 2 { // the second one is a reload
			got := d.Submit(chooser, choice(1, 2))
			d.want(got, 422, "no_instagram_account")
			d.wantTexts(got, "does not carry messages", "brand_1", "brand_2", "What you connected is saved")
		}
		if d.count("save") != 1 {
			t.Errorf("%d saves", d.count("save"))
		}
	})
}

// The chooser stands at its address while the grant lives. Asking for it changes nothing.
func TestChooserHasAnAddress(t *testing.T) {
	t.Parallel()
	setUp := func(t *testing.T) (d deployment, address string) {
		d = deploy(t, brand(1), brand(2), brand(3))
		d.stored(ada, 1, "5001", nil)
		got := d.Get(d.LogIn("?return_to=/x", metasim.Approval{Pages: []string{"20002", "20003"}}))
		if got.StatusCode != http.StatusSeeOther || !strings.HasPrefix(got.Location(), "/api/choose?flow=") {
			t.Fatalf("%d to %q", got.StatusCode, got.Location())
		}
		return d, got.Location()
	}
	parallel(t, "again and again", func(t *testing.T) {
		d, address := setUp(t)
		before := d.count("patch")
		for range 3 {
			shown := d.Get(address)
			d.want(shown, 200, "")
			d.wantTexts(shown, instagramID(2), instagramID(3), "@brand_1 was not shared this time and stopped.", "error=access_denied")
		}
		head := d.Send("HEAD", address, nil, "")
		if d.want(head, 200, ""); head.Body != "" || len(head.Cookies()) != 0 {
			t.Errorf("HEAD gives %d bytes, cookies %v", len(head.Body), head.Cookies())
		}
		if d.count("patch") != before || d.count("save") != 0 {
			t.Error("looking at it wrote to the database")
		}
		d.WantDone(d.Submit(d.Get(address), choice(2)), "/x?connected="+instagramID(2))
	})
	parallel(t, "back after Connect", func(t *testing.T) {
		d, address := setUp(t)
		d.Submit(d.Get(address), choice(2))
		back := d.Get(address)
		d.want(back, 200, "")
		d.wantTexts(back, "That is done already", "@brand_2", `href="/x?connected=`+instagramID(2)+`"`)
		if strings.Contains(back.Body, "http-equiv") || strings.Contains(back.Body, "<form") {
			t.Errorf("it leads away, or can be sent again: %s", back.Body)
		}
		d.disconnect(instagramID(2), map[string]string{"Origin": d.URL})
		d.want(d.Get(address), 400, "state_mismatch") // there is nothing to say any more
	})
	parallel(t, "in another browser", func(t *testing.T) {
		d, address := setUp(t)
		d.newBrowser()
		d.want(d.Get(address), 400, "state_mismatch")
	})
	parallel(t, "as another user", func(t *testing.T) {
		d, address := setUp(t)
		d.SignIn(ben)
		d.want(d.Get(address), 409, "user_changed")
	})
	parallel(t, "after ten minutes", func(t *testing.T) {
		d, address := setUp(t)
		d.reseal("igconnect_grant_", "begun", 11*time.Minute)
		got := d.Get(address)
		d.want(got, 400, "state_expired")
		d.wantTexts(got, "That took too long", "Nothing was saved", "Start again")
	})
	parallel(t, "the accounts are gone meanwhile", func(t *testing.T) {
		d, address := setUp(t)
		d.Meta.DeletePage("20002")
		d.Meta.DeletePage("20003")
		for _, got := range []answer{d.Get(address), d.sendForm("/api/choose", from(d.URL), choice(2))} {
			d.want(got, 422, "no_instagram_account")
		}
	})
	parallel(t, "of nobody", func(t *testing.T) {
		d, _ := setUp(t)
		for _, flow := range []string{"0123456789abcdef", "..", strings.Repeat("a", 5000), "%00", "%0d%0aSet-Cookie:x"} {
			d.want(d.Get("/api/choose?flow="+flow), 400, "state_mismatch", flow)
		}
	})
}

// Whatever went wrong, the page leads somewhere.
func TestErrorPagesLeadSomewhere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		reach func(d deployment) answer
		links []string
	}{
		{"signed out", func(d deployment) answer { d.newBrowser(); return d.Get("/api/login?return_to=/x") }, []string{"/x", "/api/login?return_to=%2Fx"}},
		{"a refused return_to", func(d deployment) answer { return d.Get("/api/login?return_to=//evil.example") }, []string{"/", "/api/login"}},
		{"a refused id", func(d deployment) answer { return d.Get("/api/login?return_to=/x&instagram_id=a+b") }, []string{"/x"}},
		{"a foreign form", func(d deployment) answer { return d.sendForm("/api/login", from("https://evil.example"), nil) }, []string{"/", "/api/login"}},
		{"a state of nobody", func(d deployment) answer { return d.Get("/api/callback?state=x&code=y") }, []string{"/", "/api/login"}},
		{"another user", func(d deployment) answer {
			callback := d.LogIn("?return_to=/x", metasim.Approval{})
			d.SignIn(ben)
			return d.Get(callback)
		}, []string{"/x", "/api/login?return_to=%2Fx"}},
		{"Meta is down", func(d deployment) answer {
			return d.connectWith("?return_to=/x", metasim.Fault{Step: "exchange", Status: 500})
		}, []string{"/x", "/api/login?return_to=%2Fx"}},
		{"a missing permission", func(d deployment) answer {
			return d.Get(d.LogIn("?return_to=/x", metasim.Approval{Decline: []string{"instagram_basic"}}))
		}, []string{"/x", "/api/login?return_to=%2Fx"}},
		{"no account", func(d deployment) answer { return d.Get(d.LogIn("", metasim.Approval{Pages: []string{}})) }, []string{"/", "/api/login"}},
		{"said no", func(d deployment) answer { return d.Get(d.LogIn("", metasim.Approval{Deny: true})) }, []string{"/", "/api/login"}},
		{"a wrong method", func(d deployment) answer {
			return d.Send("PUT", "/api/choose", map[string]string{"Accept": "text/html"}, "")
		}, []string{"/", "/api/login"}},
		{"a setting is missing", func(d deployment) answer { d.Set("FB_APP_ID", ""); return d.Get("/api/login") }, []string{"/", "/api/login"}},
		{"no erasure", func(d deployment) answer { return d.Get("/api/deletion?code=5f2c") }, []string{"/"}},
	} {
		parallel(t, c.name, func(t *testing.T) {
			d := deploy(t, brand(1))
			got := c.reach(d)
			if got.StatusCode < 400 || !strings.HasPrefix(got.Header.Get("Content-Type"), "text/html") {
				t.Fatalf("%d %s", got.StatusCode, got.Header.Get("Content-Type"))
			}
			_, body, _ := strings.Cut(got.Body, "<h1>") // the header leads home on each page
			for _, link := range c.links {
				if !strings.Contains(body, `href="`+link+`"`) {
					t.Errorf("it does not lead to %s: %s", link, body)
				}
			}
			if login := strings.Contains(body, "/api/login"); login && !strings.Contains(body, "opens Meta&#39;s window") {
				t.Errorf("a link leads to Meta without saying so: %s", body)
			}
		})
	}
}

// The app's own address is where pages lead that know no other. A login that ends well leads to /
// without return_to, as ever.
func TestErrorPagesLeadToTheApp(t *testing.T) {
	t.Parallel()
	d := deployWith(t, map[string]string{"APP_URL": appOrigin + "/home"}, brand(1))
	for path, links := range map[string][]string{
		"/api/login?return_to=//evil.example":    {appOrigin + "/home", "/api/login"},
		"/api/callback?state=x&code=y":           {appOrigin + "/home", "/api/login"},
		"/api/choose?flow=0123456789abcdef":      {appOrigin + "/home", "/api/login"},
		"/api/deletion?code=5f2c":                {appOrigin + "/home"},
		"/api/login?return_to=/x&instagram_id=+": {"/x", "/api/login?return_to=%2Fx"},
	} {
		got := d.Get(path)
		_, body, _ := strings.Cut(got.Body, "<h1>")
		for _, link := range links {
			if !strings.Contains(body, `href="`+link+`"`) {
				t.Errorf("%s does not lead to %s: %s", path, link, body)
			}
		}
	}
	d.WantRedirect(d.Connect(), http.StatusSeeOther, "/?connected="+instagramID(1))
}

// Who reconnects an account with a profile that has others, or shares others, is told which is missing
// and why, and has both ways on.
func TestReconnectShowsWhatIsMissing(t *testing.T) {
	t.Parallel()
	reconnect := "?return_to=/x&instagram_id=" + instagramID(1)
	again := `href="/api/login?instagram_id=` + instagramID(1) + `&amp;return_to=%2Fx"`
	setUp := func(t *testing.T) deployment {
		d := deploy(t, brand(1), brand(2), brand(3))
		d.Meta.AddPerson(metasim.Person{ID: "5002", Name: "Bo Private", Pages: []metasim.Page{brand(4)}})
		d.stored(ada, 1, "5001", map[string]any{"username": "brand_1", "page_name": "Page 1"})
		return d
	}
	for _, c := range []struct {
		name     string
		approval metasim.Approval
		says     []string
		not      string
		kept     int // the account to keep instead; 0: none is offered
	}{
		{"another profile", metasim.Approval{Person: "5002"},
			[]string{"You wanted to reconnect @brand_1", "Bo Private", "another Facebook profile than", "Page 1", "Brand 4"}, "Brand 2", 4},
		{"another account", metasim.Approval{Pages: []string{"20002"}},
			[]string{"You wanted to reconnect @brand_1", "<strong>Ada</strong>", "Page 1", "Brand 2"}, "another Facebook profile than", 2},
		{"others", metasim.Approval{Pages: []string{"20002", "20003"}},
			[]string{"You wanted to reconnect @brand_1", "Brand 2", "Brand 3"}, "another Facebook profile than", 3},
		{"it without its Page, and another", metasim.Approval{Pages: []string{"20002"}, Accounts: []string{instagramID(1)}},
			[]string{"You shared @brand_1, but not the Facebook Page that it belongs to", "<strong>Page 1</strong>", "both have to be ticked", "Brand 2"}, "another Facebook profile than", 2},
		{"it without its Page", metasim.Approval{Pages: []string{}, Accounts: []string{instagramID(1)}},
			[]string{"You shared @brand_1, but not the Facebook Page that it belongs to", "<strong>Page 1</strong>", "both have to be ticked"}, "no Facebook Page at all", 0},
	} {
		parallel(t, c.name, func(t *testing.T) {
			d := setUp(t)
			got := d.ComeBack(d.LogIn(reconnect, c.approval))
			d.wantTexts(got, append(c.says, again)...)
			if strings.Contains(got.Body, c.not) || d.count("save") != 0 {
				t.Errorf("it says %q, or something is saved: %s", c.not, got.Body)
			}
			if c.kept != 0 {
				d.WantDone(d.Submit(got, choice(c.kept)), "/x?connected="+instagramID(c.kept))
			} else {
				d.want(got, 422, "no_instagram_account")
			}
		})
	}
	parallel(t, "an account that this user never had", func(t *testing.T) {
		d := deploy(t, brand(2), brand(3))
		d.stored(ben, 1, "5001", map[string]any{"username": "brand_1"})
		got := d.ComeBack(d.LogIn(reconnect, metasim.Approval{}))
		d.wantTexts(got, "The account that you wanted to reconnect is not among", again)
		if strings.Contains(got.Body, "@brand_1") {
			t.Errorf("it names what another user has: %s", got.Body)
		}
	})
	parallel(t, "with another profile that has it as well", func(t *testing.T) {
		d := setUp(t)
		d.Meta.AddPerson(metasim.Person{ID: "5002", Name: "Bo", Pages: []metasim.Page{brand(1), brand(4)}})
		d.WantRedirect(d.Get(d.LogIn(reconnect, metasim.Approval{Person: "5002"})), 303, "/x?connected="+instagramID(1))
	})
}

// An account that is shared without its Page leads nowhere: the page says that both have to be ticked.
func TestAccountWithoutItsPage(t *testing.T) {
	t.Parallel()
	d := deploy(t, brand(1), metasim.Page{ID: "20009", Name: "Bare Page"})
	got := d.Get(d.LogIn("", metasim.Approval{Pages: []string{"20009"}, Accounts: []string{instagramID(1)}}))
	d.WantError(got, 422, "no_instagram_account")
	d.wantTexts(got, "You shared an Instagram account, but not the Facebook Page that it belongs to", "both have to be ticked", "Bare Page")
}

// explain=1 lists a Page that Meta names and does not show, too.
func TestExplainedPageThatIsNotShown(t *testing.T) {
	t.Parallel()
	hidden := unlisted(2)
	hidden.NoRead = true
	for _, c := range []struct {
		name  string
		pages []metasim.Page
		query string
		code  string
	}{
		{"beside an account", []metasim.Page{brand(1), hidden}, "?explain=1", ""},
		{"alone", []metasim.Page{hidden}, "", "no_instagram_account"},
	} {
		parallel(t, c.name, func(t *testing.T) {
			d := deploy(t, c.pages...)
			got := d.Get(d.LogIn(c.query, metasim.Approval{}))
			d.want(got, map[string]int{"": 200, "no_instagram_account": 422}[c.code], c.code)
			d.wantTexts(got, "<li>20002</li>", "Meta names this Page, but does not show it", "“Ask Meta again” opens Meta")
		})
	}
	d := deploy(t, brand(1), hidden)
	d.WantRedirect(d.Connect(), 303, "/?connected="+instagramID(1)) // only who asks is told
}

// A connected account that cannot receive messages is not shown as all well, neither here nor in the
// row that the app's list reads; what is the operator's is no trouble of the person.
func TestCannotReceiveMessages(t *testing.T) {
	t.Parallel()
	weak := brand(1)
	weak.Tasks = []string{"ANALYZE"}
	const well = "All is well here"
	parallel(t, "no task", func(t *testing.T) {
		d := deploy(t, weak)
		d.WantRedirect(d.Get(d.LogIn("?return_to=/x", metasim.Approval{})), 303, "/x?connected="+instagramID(1))
		got := d.Get(d.LogIn("?return_to=/x&explain=1", metasim.Approval{}))
		d.want(got, 200, "")
		d.wantTexts(got, "Your role does not cover messages", "What you connected is saved", `href="/x?connected=`+instagramID(1)+`"`)
		if row := d.row(ada, 1); row["status"] != "active" || row["subscription_error"] != "Your role on the Facebook Page does not cover its messages." {
			t.Errorf("%v: %v", row["status"], row["subscription_error"])
		}
		d.wantTexts(d.Get("/api/accounts"), `"subscription_error":"Your role on the Facebook Page does not cover its messages."`)
	})
	parallel(t, "no task, chosen", func(t *testing.T) {
		d, chooser := connected(t, weak, brand(2))
		d.wantTexts(chooser, "Your role on this Page does not cover messages")
		got := d.Get(d.Submit(chooser, choice(1)).Location())
		if d.wantTexts(got, "Your role does not cover messages"); strings.Contains(got.Body, well) {
			t.Error(got.Body)
		}
	})
	parallel(t, "no pages_messaging", func(t *testing.T) {
		d, chooser := connected(t, brand(1), brand(2))
		got := d.Get(d.Submit(chooser, choice(1)).Location())
		d.wantTexts(got, "New messages may not arrive until this app has one more permission from Meta.")
		if strings.Contains(got.Body, well) || strings.Contains(got.Body, "pages_messaging") {
			t.Error(got.Body)
		}
	})
	parallel(t, "no pages_messaging, explained", func(t *testing.T) {
		d := deploy(t, brand(1), metasim.Page{ID: "20009", Name: "Bare Page"})
		got := d.Get(d.LogIn("?explain=1", metasim.Approval{}))
		d.wantTexts(got, "Bare Page", "New messages may not arrive until this app has one more permission from Meta.")
		if strings.Contains(got.Body, well) {
			t.Error(got.Body)
		}
	})
	parallel(t, "pages_messaging is not approved", func(t *testing.T) {
		d := deployWith(t, map[string]string{"FB_LOGIN_SCOPES": seedScopes + ",pages_messaging"}, brand(1), brand(2))
		callback := d.LogIn("", metasim.Approval{})
		var granted []string
		for scope := range strings.SplitSeq(seedScopes, ",") {
			granted = append(granted, `{"permission":"`+scope+`","status":"granted"}`)
		}
		d.Meta.Inject(metasim.Fault{Step: "permissions", Body: new(`{"data":[` + strings.Join(granted, ",") + `]}`)})
		got := d.Get(d.Submit(d.ComeBack(callback), choice(1)).Location())
		d.wantTexts(got, "New messages may not arrive until this app has one more permission from Meta.")
		if strings.Contains(got.Body, "pages_messaging") || !strings.Contains(d.Watch.Log(), `"withheld":["pages_messaging"`) {
			t.Errorf("%s: %s", d.Watch.Log(), got.Body)
		}
	})
	parallel(t, "a refused subscription", func(t *testing.T) {
		d, chooser := connected(t, brand(1), brand(2))
		d.Meta.Inject(metasim.Fault{Step: "subscribe", Code: 100, Message: "no"})
		got := d.Get(d.Submit(chooser, choice(1)).Location())
		if d.wantTexts(got, "Connected, but messages do not reach us"); strings.Contains(got.Body, well) {
			t.Error(got.Body)
		}
	})
	parallel(t, "all is well", func(t *testing.T) {
		d := deployWith(t, map[string]string{"FB_LOGIN_SCOPES": seedScopes + ",pages_messaging"}, brand(1), brand(2))
		d.wantTexts(d.Get(d.Submit(d.Connect(), choice(1)).Location()), well)
	})
	parallel(t, "messages are not wanted", func(t *testing.T) {
		d := deployWith(t, map[string]string{"WEBHOOK_FIELDS": "feed"}, brand(1), brand(2))
		d.wantTexts(d.Get(d.Submit(d.Connect(), choice(1)).Location()), well)
	})
}

// What is refused for its origin stands in the log, once, with the setting that allows it. The person
// reads one calm sentence.
func TestRefusedOriginIsLogged(t *testing.T) {
	t.Parallel()
	const origin = "http://localhost:5173"
	for _, c := range []struct {
		name string
		send func(d deployment) answer
		code string
		log  string
	}{
		{"return_to", func(d deployment) answer {
			return d.Get("/api/login?return_to=" + url.QueryEscape(origin+"/x?secret=1"))
		}, "bad_request",
			"return_to is at " + origin + ", which is not in ALLOWED_ORIGINS"},
		{"a form", func(d deployment) answer { return d.sendForm("/api/login", from(origin), nil) }, "forbidden_origin",
			"the page that asks is at " + origin + ", which is not in ALLOWED_ORIGINS"},
		{"a script", func(d deployment) answer { return d.Send("OPTIONS", "/api/accounts", from(origin), "") }, "forbidden_origin",
			"the page that asks is at " + origin + ", which is not in ALLOWED_ORIGINS"},
		{"nothing that a setting could allow", func(d deployment) answer {
			return d.Get("/api/login?return_to=" + url.QueryEscape("javascript:alert(1)"))
		}, "bad_request", "return_to is not allowed"},
		{"a hostile name", func(d deployment) answer {
			return d.Send("OPTIONS", "/api/accounts", from("https://a\"b<c>.example"), "")
		}, "forbidden_origin", "the page that asks is not allowed"},
	} {
		parallel(t, c.name, func(t *testing.T) {
			d := deploy(t)
			got := c.send(d)
			if log := d.Watch.Log(); got.Code() != c.code || strings.Count(log, `"error":"`+c.log+`"`) != 1 || strings.Contains(log, "secret") {
				t.Errorf("%d %s: %s", got.StatusCode, got.Code(), log)
			}
			if strings.Contains(got.Body, "ALLOWED_ORIGINS") || strings.Contains(got.Body, "5173") {
				t.Errorf("the person reads %s", got.Body)
			}
		})
	}
}
