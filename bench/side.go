package main

import (
	"context"
	"net/http"
)

// side is one of the two that are compared.
type side struct {
	name     string
	all      program // serves login and callback
	login    program // is started again and again
	size     int64   // bytes on disk
	url      string
	debugURL string // of igconnect only
	visitors []visitor
	process  *process
}

func (s *side) redirectURI() string { return s.url + "/api/auth/callback" }

// launch starts the side's process for as long as the world stands.
func (s *side) launch(ctx context.Context, w *world) (err error) {
	if s.process, err = s.all.spawn(w.scratch); err != nil {
		return err
	}
	w.closers = append(w.closers, s.process.stop)
	return s.ready(ctx)
}

// ready waits until the side answers.
func (s *side) ready(ctx context.Context) error {
	request, err := http.NewRequest(http.MethodGet, s.url+"/api/login", nil)
	if err != nil {
		return err
	}
	_, err = s.process.answers(ctx, request)
	return err
}
