package api_test

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"igconnect/api"
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

// BenchmarkLogin measures a login, and beside it the call to Supabase alone:
// "own" is what is left of the login without it.
func BenchmarkLogin(b *testing.B) {
	login, user := loginParts(b)
	var own time.Duration
	for b.Loop() {
		begun := time.Now()
		login()
		between := time.Now()
		user()
		own += between.Sub(begun) - time.Since(between)
	}
	b.ReportMetric(float64(own.Nanoseconds())/float64(b.N), "own-ns/op")
	b.ReportMetric(testing.AllocsPerRun(200, login)-testing.AllocsPerRun(200, user), "own-allocs/op")
	b.ReportMetric(0, "ns/op") // of both together: of no interest
}

// loginParts returns a whole login, and its call to Supabase alone.
func loginParts(tb testing.TB) (login, user func()) {
	supabaseURL := quickSupabase(tb)
	settings := map[string]string{
		"FB_APP_ID": deploytest.AppID, "FB_APP_SECRET": deploytest.AppSecret, "REDIRECT_URI": "https://connect.example.com/api/auth/callback",
		"SUPABASE_URL": supabaseURL, "SUPABASE_SECRET_KEY": deploytest.SecretKey, "SUPABASE_AUTH_COOKIE": "sb-auth-token",
		"ALLOWED_ORIGINS": "https://app.example.com",
	}
	a, err := app.New(app.Options{
		Getenv: func(name string) string { return settings[name] }, Log: slog.New(slog.NewJSONHandler(io.Discard, nil)),
	})
	if err != nil {
		tb.Fatal(err)
	}
	request, err := http.NewRequestWithContext(web.WithApp(tb.Context(), a), "GET", "https://connect.example.com/api/login?return_to=https://app.example.com/settings", nil)
	if err != nil {
		tb.Fatal(err)
	}
	request.Header.Set("Accept", "text/html")
	request.AddCookie(&http.Cookie{Name: "sb-auth-token", Value: deploytest.SessionCookie(ada)})
	login = func() {
		answer := bare{header: http.Header{}}
		api.Login(&answer, request)
		if answer.status != http.StatusFound {
			tb.Fatalf("%d %v", answer.status, answer.header)
		}
	}
	client, err := store.New(supabaseURL, secret.New(deploytest.SecretKey))
	if err != nil {
		tb.Fatal(err)
	}
	token := secret.New(session(ada))
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
