package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
)

// app checks that the app at -app may send people here and have them back, as ALLOWED_ORIGINS
// says.
func (d *doctor) app(ctx context.Context) []check {
	if d.origin == "" {
		return nil
	}
	const fix = "Add it to ALLOWED_ORIGINS, which separates origins with commas, then deploy again."
	comesBack, asks := passed("people come back to it"), passed("its pages may ask")
	got := d.get(ctx, "/api/login?return_to="+url.QueryEscape(d.origin+"/"), asBrowser)
	switch {
	case got.refused(http.StatusBadRequest, "bad_request"):
		comesBack = wrong(comesBack.Name, "A return_to at "+d.origin+" is refused.", fix)
	case got.status != http.StatusFound && !got.refused(http.StatusUnauthorized, "signed_out"):
		comesBack = notIgconnect(comesBack.Name, got)
	}
	got = d.ask(ctx, http.MethodOptions, d.url+"/api/accounts", "", map[string]string{"Origin": d.origin, "Access-Control-Request-Method": "GET"})
	switch {
	case got.refused(http.StatusForbidden, "forbidden_origin"):
		asks = wrong(asks.Name, "Requests of pages at "+d.origin+" are refused.", fix)
	case got.status != http.StatusNoContent:
		asks = notIgconnect(asks.Name, got)
	}
	return []check{comesBack, asks}
}

// parseApp reads the address of the app, which ends after its host.
func parseApp(raw string) (origin string, err error) {
	if origin, _, err = parseBase(raw); err != nil {
		return "", fmt.Errorf("-app %w", err)
	}
	return origin, nil
}
