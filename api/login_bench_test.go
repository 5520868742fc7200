package api_test

import (
	"bufio"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"igconnect/api"
	"igconnect/internal/appsim"
	"igconnect/internal/deploytest"
	"igconnect/lib/app"
	"igconnect/lib/secret"
	"igconnect/lib/store"
	"igconnect/lib/web"
)

// maxLoginAllocations is for /api/login without its one call to Supabase.
const maxLoginAllocations = 150

// TestLoginAllocations: what a login costs beside asking who the user is. It runs
// alone, because it counts the allocations of the whole process.
func TestLoginAllocations(t *testing.T) {
	login, user := loginParts(t)
	whole, call := testing.AllocsPerRun(200, login), testing.AllocsPerRun(200, user)
	t.Logf("%.0f allocations a login, %.0f of them in the call to Supabase", whole, call)
	if own := whole - call; own >= maxLoginAllocations || own <= 0 {
		t.Errorf("%.0f allocations of its own, want less than %d", own, maxLoginAllocations)
	}
}

// BenchmarkLogin measures a login: with Supabase Auth, and beside it the call to Supabase alone, so that
// "own" is what is left of the login without it; with the app's own JWT and with a ticket, which ask nobody.
func BenchmarkLogin(b *testing.B) {
	b.Run("Supabase", func(b *testing.B) {
		login, user := loginParts(b)
		measureLogin(b, login, user)
	})
	b.Run("JWT", func(b *testing.B) { measureLogin(b, jwtLogin(b), func() {}) })
	b.Run("ticket", func(b *testing.B) { measureLogin(b, ticketLogin(b), func() {}) })
}

func measureLogin(b *testing.B, login, call func()) {
	var own time.Duration
	for b.Loop() {
		begun := time.Now()
		login()
		between := time.Now()
		call()
		own += between.Sub(begun) - time.Since(between)
	}
	b.ReportMetric(float64(own.Nanoseconds())/float64(b.N), "own-ns/op")
	b.ReportMetric(testing.AllocsPerRun(200, login)-testing.AllocsPerRun(200, call), "own-allocs/op")
	b.ReportMetric(0, "ns/op") // of both together: of no interest
}

// loginWith returns a maker of visits of /api/login at a deployment with these settings: each visit is the
// same request again, to which the answer is a redirect.
func loginWith(tb testing.TB, settings map[string]string) (prepare func(query string, cookies ...*http.Cookie) (visit func() bare)) {
	all := map[string]string{
		"FB_APP_ID": deploytest.AppID, "FB_APP_SECRET": deploytest.AppSecret, "REDIRECT_URI": benchOrigin + "/api/auth/callback",
		"SUPABASE_URL": "http://127.0.0.1:1", "SUPABASE_SECRET_KEY": deploytest.SecretKey, "SUPABASE_AUTH_COOKIE": "sb-auth-token",
		"ALLOWED_ORIGINS": "https://app.example.com",
	}
	maps.Copy(all, settings)
	a, err := app.New(app.Options{
		Getenv: func(name string) string { return all[name] }, Log: slog.New(slog.NewJSONHandler(io.Discard, nil)),
	})
	if err != nil {
		tb.Fatal(err)
	}
	return func(query string, cookies ...*http.Cookie) func() bare {
		request, err := http.NewRequestWithContext(web.WithApp(tb.Context(), a), "GET", benchOrigin+"/api/login"+query, nil)
		if err != nil {
			tb.Fatal(err)
		}
		request.Header.Set("Accept", "text/html")
		for _, cookie := range cookies {
			request.AddCookie(cookie)
		}
		return func() bare {
			answer := bare{header: http.Header{}}
			api.Login(&answer, request)
			if answer.status != http.StatusFound {
				tb.Fatalf("%d %v", answer.status, answer.header)
			}
			return answer
		}
	}
}

const (
	benchOrigin = "https://connect.example.com"
	benchQuery  = "?return_to=https://app.example.com/settings"
)

// jwtLogin is a login of somebody whose session is a JWT, once the keys are known.
func jwtLogin(tb testing.TB) (login func()) {
	provider := &appsim.Provider{Style: appsim.Clerk, Now: func() time.Time { return time.Now().Add(time.Hour) }} // good to the end of the run
	server := httptest.NewServer(provider)
	tb.Cleanup(server.Close)
	provider.URL = server.URL
	token := provider.Token("user_1", appsim.Claims{"nbf": nil})
	visit := loginWith(tb, provider.Settings())(benchQuery, &http.Cookie{Name: "__session", Value: token})
	visit()
	return func() { visit() }
}

// ticketLogin is the second half of a login whose user the app vouches for: the return with the ticket.
func ticketLogin(tb testing.TB) (login func()) {
	ends := time.Now().Add(5 * time.Minute).Unix()
	app := &appsim.App{Igconnect: benchOrigin, Secret: vouchSecret}
	prepare := loginWith(tb, app.Settings("https://app.example.com"))
	begun := prepare(benchQuery)()
	to, err := url.Parse(begun.header.Get("Location"))
	if err != nil {
		tb.Fatal(err)
	}
	state, err := http.ParseSetCookie(begun.header.Get("Set-Cookie"))
	if err != nil {
		tb.Fatal(err)
	}
	ticket := app.Ticket(people[0], to.Query().Get("nonce"), appsim.Claims{"exp": ends})
	visit := prepare("?ticket="+ticket, state)
	return func() { visit() }
}

// loginParts returns a whole login with Supabase Auth, and its call to Supabase alone.
func loginParts(tb testing.TB) (login, user func()) {
	supabaseURL := quickSupabase(tb)
	session := &http.Cookie{Name: "sb-auth-token", Value: deploytest.SessionCookie(ada)}
	visit := loginWith(tb, map[string]string{"SUPABASE_URL": supabaseURL})(benchQuery, session)
	login = func() { visit() }
	client, err := store.New(supabaseURL, secret.New(deploytest.SecretKey))
	if err != nil {
		tb.Fatal(err)
	}
	token := secret.New(deploytest.Session(ada))
	user = func() {
		if _, err := client.User(tb.Context(), token); err != nil {
			tb.Fatal(err)
		}
	}
	login()
	user()
	return login, user
}

// bare is a response of which nothing but the status is kept.
type bare struct {
	header http.Header
	status int
}

func (b *bare) Header() http.Header            { return b.header }
func (b *bare) WriteHeader(status int)         { b.status = status }
func (b *bare) Write(body []byte) (int, error) { return len(body), nil }

// quickSupabase knows one user and allocates nothing for a request, which would
// count as the login's.
func quickSupabase(tb testing.TB) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { listener.Close() })
	user := []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 45\r\n\r\n" + `{"id":"` + ada + `"}`)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go answerEach(conn, user)
		}
	}()
	return "http://" + listener.Addr().String()
}

// answerEach gives each request without a body that comes in the same answer.
func answerEach(conn net.Conn, answer []byte) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return
		}
		if len(line) > 2 { // not yet the empty line
			continue
		}
		if _, err := conn.Write(answer); err != nil {
			return
		}
	}
}
