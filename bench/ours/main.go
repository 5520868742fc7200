// Command ours serves the functions in one process, on 127.0.0.1 at PORT, and the profiles of
// net/http/pprof at DEBUG_PORT.
package main

import (
	"log"
	"net/http"
	_ "net/http/pprof"
	"os"

	"igconnect/internal/functions"
)

func main() {
	mux := http.NewServeMux()
	for path, function := range functions.All {
		mux.HandleFunc(path, function)
	}
	mux.HandleFunc("/api/auth/callback", functions.All["/api/callback"]) // as vercel.json rewrites it
	go func() { log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("DEBUG_PORT"), nil)) }()
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), mux))
}
