package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"sync/atomic"

	"igconnect/internal/metasim"
)

const (
	appID     = "1234567890"
	appSecret = "an-app-secret-of-the-benchmark"
)

// meta is the simulated Meta of both sides, on two addresses: the Sim wants each call proven with
// appsecret_proof, which Meta does only for apps that switch it on. The seed proves nothing, so at
// its address the proof is added here, on the simulator's time.
type meta struct{ sim atomic.Pointer[metasim.Sim] }

// asIs is the address that igconnect calls.
func (m *meta) asIs() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { m.sim.Load().ServeHTTP(w, r) })
}

// withoutProofs is the address that the seed calls.
func (m *meta) withoutProofs() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		if token := query.Get("access_token"); token != "" {
			mac := hmac.New(sha256.New, []byte(appSecret))
			mac.Write([]byte(token))
			query.Set("appsecret_proof", hex.EncodeToString(mac.Sum(nil)))
			r.URL.RawQuery = query.Encode()
		}
		m.sim.Load().ServeHTTP(w, r)
	})
}

// renew puts a Sim with the given people in the place of the last one: a Sim keeps every token and
// request that it ever saw, and gets slower with them.
func (m *meta) renew(redirectURIs []string, people []metasim.Person) {
	sim := metasim.New(metasim.Config{AppID: appID, AppSecret: appSecret, RedirectURIs: redirectURIs})
	for _, p := range people {
		sim.AddPerson(p)
	}
	if old := m.sim.Swap(sim); old != nil {
		old.Close()
	}
}
