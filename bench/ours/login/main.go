// Command login is /api/login alone, as one function is deployed.
package main

import (
	"log"
	"net/http"
	"os"

	"igconnect/api"
)

func main() {
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), http.HandlerFunc(api.Login)))
}
