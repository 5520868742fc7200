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

	"igconnect/internal/functions"
)

func main() {
	mux := http.NewServeMux()
	for path, function := range functions.All {
		mux.HandleFunc(path, function)
	}
	mux.HandleFunc("/api/auth/callback", functions.All["/api/callback"]) // as vercel.json rewrites it
	if port := os.Getenv("DEBUG_PORT"); port != "" {
		http.HandleFunc("/goroutines", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, runtime.NumGoroutine()) })
		go func() { log.Fatal(http.ListenAndServe("127.0.0.1:"+port, nil)) }()
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), mux))
}
