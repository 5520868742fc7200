// Command ours serves the functions in one process, on 127.0.0.1 at PORT. At DEBUG_PORT, if there is one, it tells about
// itself: the profiles of net/http/pprof, and at /goroutines how many there are.
package main

import (
	"fmt"
	"log"
	"net/http"
	_ "net/http/pprof"
	"os"
	"runtime"

	"igconnect/api"
)

func main() {
	functions := http.NewServeMux()
	functions.HandleFunc("/api/login", api.Login)
	functions.HandleFunc("/api/auth/callback", api.Callback) // as vercel.json rewrites it
	functions.HandleFunc("/api/webhook", api.Webhook)
	functions.HandleFunc("/api/renew", api.Renew)
	if port := os.Getenv("DEBUG_PORT"); port != "" {
		http.HandleFunc("/goroutines", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, runtime.NumGoroutine()) })
		go func() { log.Fatal(http.ListenAndServe("127.0.0.1:"+port, nil)) }()
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), functions))
}
